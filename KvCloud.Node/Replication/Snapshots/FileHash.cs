using System.Buffers.Binary;
using System.IO.Hashing;
using KvCloud.Node.Files;
using KvCloud.Node.Storage;

namespace KvCloud.Node.Replication.Snapshots;

/// <summary>The hash of a file, computed incrementally so that the worker can do other things in between.</summary>
internal sealed class FileHash : IDisposable
{
    private const int BufferBytes = 256 * 1024;

    private readonly XxHash128 _hash = new();
    private readonly IFile _file;
    private byte[]? _buffer;
    private Crc32C _checksum;
    private long _position;

    public FileHash(IFileSystem files, string path)
    {
        _file = files.Open(path, FileMode.Open, FileAccess.Read);
        SizeBytes = _file.Length;
    }

    public long SizeBytes { get; }

    public bool IsComplete => _position == SizeBytes;

    public UInt128 Value => _hash.GetCurrentHashAsUInt128();

    /// <summary>The CRC-32C that a store records for its files.</summary>
    public uint Checksum => _checksum.Value;

    /// <summary>Reads about so many more bytes at most.</summary>
    /// <returns>The number of bytes read.</returns>
    public long Advance(long maxBytes)
    {
        _buffer ??= new byte[(int)Math.Clamp(SizeBytes, 1, BufferBytes)];
        long before = _position;
        while (!IsComplete && _position - before < maxBytes)
        {
            int read = _file.Read(
                _buffer.AsSpan(0, (int)Math.Min(_buffer.Length, SizeBytes - _position)), _position);
            if (read == 0)
            {
                throw new EndOfStreamException("a file of a snapshot became shorter while it was read");
            }

            _hash.Append(_buffer.AsSpan(0, read));
            _checksum.Append(_buffer.AsSpan(0, read));
            _position += read;
        }

        return _position - before;
    }

    public void Dispose() => _file.Dispose();

    public static UInt128 Of(IFileSystem files, string path)
    {
        using var hash = new FileHash(files, path);
        hash.Advance(long.MaxValue);
        return hash.Value;
    }
}

using System.Buffers.Binary;
using System.IO.Hashing;
using KvCloud.Consensus;
using KvCloud.Node.Files;

namespace KvCloud.Node.Replication.Log;

/// <summary>
/// A file beside the log's directory that records a lower bound of how far the log has got: its newest segment, the
/// sequence of a synced group, and the promise. A log that does not reach it has lost data or is an older copy. The
/// mark only grows. Any thread.
/// </summary>
/// <remarks>
/// One sector, overwritten in place: magic(8) format(4) segment(8) sequence(8) promise(12) checksum(8), zeros. As in
/// <see cref="GroupFrame"/>, a disk writes a sector whole or not at all.
/// </remarks>
internal sealed class LogMark : IDisposable
{
    private const int FormatVersion = 1;
    private const int ChecksumPlace = 40;

    private readonly IFile _file;
    private readonly Lock _gate = new();

    /// <summary>
    /// The mark was written by this process. A mark that was only read may exist only in the page cache, left by a
    /// process that died or whose sync failed.
    /// </summary>
    private bool _isDurable;

    private LogMark(IFile file, long segment, long sequence, Ballot promised)
    {
        _file = file;
        Segment = segment;
        Sequence = sequence;
        Promised = promised;
    }

    /// <summary>The newest segment; 0 before the first.</summary>
    public long Segment { get; private set; }

    /// <summary>A synced group; 0 before the first.</summary>
    public long Sequence { get; private set; }

    public Ballot Promised { get; private set; }

    private static ReadOnlySpan<byte> Magic => "KvPaxMrk"u8;

    /// <summary>Creates the mark of an empty log; durable when it returns.</summary>
    public static LogMark Create(IFileSystem files, string path)
    {
        files.ReplaceAtomically(path, Encode(0, 0, Ballot.Zero));
        return Open(files, path);
    }

    /// <summary>Opens the mark; its name is durable when it returns.</summary>
    /// <exception cref="LogCorruptException">The file is not one that this program writes.</exception>
    public static LogMark Open(IFileSystem files, string path)
    {
        // An earlier process may have died between the rename that named the mark and the flush of the directory.
        files.FlushParent(path);
        IFile file = files.Open(path, FileMode.Open, FileAccess.ReadWrite);
        try
        {
            Span<byte> sector = stackalloc byte[GroupFrame.SectorSizeBytes];
            int read = file.ReadFully(sector, 0);
            if (read < sector.Length
                || !sector.StartsWith(Magic)
                || BinaryPrimitives.ReadUInt64LittleEndian(sector[ChecksumPlace..]) != XxHash3.HashToUInt64(
                    sector[..ChecksumPlace]))
            {
                throw new LogCorruptException($"{path}, the mark of how far the log has got, is damaged");
            }

            int format = BinaryPrimitives.ReadInt32LittleEndian(sector[8..]);
            return format == FormatVersion
                ? new LogMark(
                    file,
                    BinaryPrimitives.ReadInt64LittleEndian(sector[12..]),
                    BinaryPrimitives.ReadInt64LittleEndian(sector[20..]),
                    LogRecord.ReadBallot(sector[28..]))
                : throw new LogCorruptException($"{path} has format {format}; this program knows {FormatVersion}");
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Durably records that the log has got this far. Free if that is already recorded.</summary>
    /// <exception cref="IOException">The disk did not accept it.</exception>
    public void Raise(long segment, long sequence, Ballot promised)
    {
        lock (_gate)
        {
            bool isNew = !_isDurable || segment != Segment || sequence != Sequence;
            if (segment < Segment || sequence < Sequence || !isNew)
            {
                return;
            }

            _file.Write(Encode(segment, sequence, promised), 0);
            _file.SyncData();
            Segment = segment;
            Sequence = sequence;
            Promised = promised;
            _isDurable = true;
        }
    }

    public void Dispose() => _file.Dispose();

    private static byte[] Encode(long segment, long sequence, Ballot promised)
    {
        byte[] sector = new byte[GroupFrame.SectorSizeBytes];
        Span<byte> span = sector;
        Magic.CopyTo(span);
        BinaryPrimitives.WriteInt32LittleEndian(span[8..], FormatVersion);
        BinaryPrimitives.WriteInt64LittleEndian(span[12..], segment);
        BinaryPrimitives.WriteInt64LittleEndian(span[20..], sequence);
        LogRecord.WriteBallot(span[28..], promised);
        BinaryPrimitives.WriteUInt64LittleEndian(span[ChecksumPlace..], XxHash3.HashToUInt64(span[..ChecksumPlace]));
        return sector;
    }
}

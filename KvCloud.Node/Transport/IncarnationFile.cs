using System.Buffers.Binary;
using System.IO.Hashing;
using KvCloud.Node.Files;

namespace KvCloud.Node.Transport;

/// <summary>
/// Incarnations in a small file of the data directory, replaced atomically as a whole:
/// <code>magic "KVIN" · version u16 · count u16 · count × (node id i32, incarnation i64) · XxHash3 of the rest
/// u64</code>
/// A damaged file stops the node: forgetting an incarnation would allow a node to vote that has lost its promises.
/// </summary>
internal sealed class IncarnationFile : IIncarnationRegistry
{
    private const uint Magic = 0x4E49564B;
    private const ushort Version = 1;
    private const int HeaderBytes = 8;
    private const int EntryBytes = 12;
    private const int ChecksumBytes = 8;

    private readonly IFileSystem _files;
    private readonly string _path;
    private readonly Lock _lock = new();
    private SortedDictionary<int, long> _incarnations;

    /// <summary>
    /// Reads the file; a missing file is empty. Throws <see cref="InvalidDataException"/> if it is damaged.
    /// </summary>
    public IncarnationFile(IFileSystem files, string path)
    {
        _files = files;
        _path = path;
        _incarnations = files.FileExists(path) ? Decode(files.ReadAllBytes(path), path) : [];
    }

    /// <summary>Opens the file of a data directory; durable when it returns.</summary>
    /// <param name="mayCreate">Whether the file may be missing; otherwise a missing file counts as lost and is
    /// refused.</param>
    public static IncarnationFile Open(IFileSystem files, string path, bool mayCreate)
    {
        bool exists = files.FileExists(path);
        if (!exists && !mayCreate)
        {
            throw new InvalidDataException(
                $"The file of the peers' incarnations, {path}, is missing, although this replica created it. Without it"
                + " a peer that lost its promises would be taken for a new one. Restore it, or leave this replica"
                + " stopped.");
        }

        var file = new IncarnationFile(files, path);
        if (!exists)
        {
            file.Replace([]);
        }

        return file;
    }

    /// <inheritdoc/>
    public bool TryAdmit(int nodeId, long incarnation)
    {
        lock (_lock)
        {
            if (_incarnations.TryGetValue(nodeId, out long remembered))
            {
                return remembered == incarnation;
            }

            Replace(new SortedDictionary<int, long>(_incarnations) { [nodeId] = incarnation });
            return true;
        }
    }

    /// <summary>
    /// Allows the node to return with a new incarnation. Only for an operator who knows that the old one is gone for
    /// good and that the new one has caught up before it votes.
    /// </summary>
    public void Forget(int nodeId)
    {
        lock (_lock)
        {
            var remaining = new SortedDictionary<int, long>(_incarnations);
            if (remaining.Remove(nodeId))
            {
                Replace(remaining);
            }
        }
    }

    private void Replace(SortedDictionary<int, long> incarnations)
    {
        _files.ReplaceAtomically(_path, Encode(incarnations));
        _incarnations = incarnations;
    }

    private static byte[] Encode(SortedDictionary<int, long> incarnations)
    {
        byte[] bytes = new byte[HeaderBytes + (incarnations.Count * EntryBytes) + ChecksumBytes];
        Span<byte> span = bytes;
        BinaryPrimitives.WriteUInt32LittleEndian(span, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(span[4..], Version);
        BinaryPrimitives.WriteUInt16LittleEndian(span[6..], checked((ushort)incarnations.Count));
        int position = HeaderBytes;
        foreach ((int nodeId, long incarnation) in incarnations)
        {
            BinaryPrimitives.WriteInt32LittleEndian(span[position..], nodeId);
            BinaryPrimitives.WriteInt64LittleEndian(span[(position + 4)..], incarnation);
            position += EntryBytes;
        }

        BinaryPrimitives.WriteUInt64LittleEndian(span[position..], XxHash3.HashToUInt64(span[..position]));
        return bytes;
    }

    private static SortedDictionary<int, long> Decode(ReadOnlySpan<byte> bytes, string path)
    {
        if (bytes.Length < HeaderBytes + ChecksumBytes || BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Magic)
        {
            throw Damaged(path, "it is not a file of incarnations");
        }

        if (BinaryPrimitives.ReadUInt64LittleEndian(bytes[^ChecksumBytes..])
            != XxHash3.HashToUInt64(bytes[..^ChecksumBytes]))
        {
            throw Damaged(path, "its checksum is wrong");
        }

        ushort version = BinaryPrimitives.ReadUInt16LittleEndian(bytes[4..]);
        if (version != Version)
        {
            throw Damaged(path, $"it has version {version}, not {Version}");
        }

        int count = BinaryPrimitives.ReadUInt16LittleEndian(bytes[6..]);
        if (bytes.Length != HeaderBytes + (count * EntryBytes) + ChecksumBytes)
        {
            throw Damaged(path, "its length does not fit the number of its entries");
        }

        var incarnations = new SortedDictionary<int, long>();
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> entry = bytes.Slice(HeaderBytes + (i * EntryBytes), EntryBytes);
            incarnations[BinaryPrimitives.ReadInt32LittleEndian(entry)] =
                BinaryPrimitives.ReadInt64LittleEndian(entry[4..]);
        }

        return incarnations;
    }

    private static InvalidDataException Damaged(string path, string how) =>
        new($"The file of the peers' incarnations, {path}, cannot be used: {how}.");
}

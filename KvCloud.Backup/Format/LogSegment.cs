using System.Buffers.Binary;

namespace KvCloud.Backup.Format;

/// <summary>Encodes blocks of the log as one object, with the slots, times and versions of each.</summary>
/// <remarks>
/// <c>magic(8) format(4)</c>, then each block as <c>first(8) last(8) first ms(8) last ms(8) version(8) bound(8)
/// length(4) content</c>. Little-endian. The object's name contains the hash of the whole.
/// </remarks>
internal static class LogSegment
{
    /// <summary>A segment ends with the block that brings it to this size.</summary>
    public const int TargetBytes = 8 * 1024 * 1024;

    /// <summary>Size limit; a larger segment is damaged. No block has more than a quarter of it.</summary>
    public const int MaxBytes = 64 * 1024 * 1024;

    private const int FormatVersion = 1;
    private const int HeaderBytes = 8 + sizeof(int);
    private const int BlockHeaderBytes = (6 * sizeof(long)) + sizeof(int);

    private static ReadOnlySpan<byte> Magic => "KvBkpLog"u8;

    /// <param name="blocks">At least one; each continues where the one before it ends.</param>
    public static byte[] Encode(IReadOnlyList<LogBlock> blocks, out LogSegmentName name)
    {
        byte[] content = new byte[HeaderBytes + blocks.Sum(block => BlockHeaderBytes + block.Content.Length)];
        Magic.CopyTo(content);
        BinaryPrimitives.WriteInt32LittleEndian(content.AsSpan(8), FormatVersion);
        int position = HeaderBytes;
        foreach (LogBlock block in blocks)
        {
            Span<byte> header = content.AsSpan(position, BlockHeaderBytes);
            BinaryPrimitives.WriteInt64LittleEndian(header, block.FirstSlot);
            BinaryPrimitives.WriteInt64LittleEndian(header[8..], block.LastSlot);
            BinaryPrimitives.WriteInt64LittleEndian(header[16..], block.FirstUnixMs);
            BinaryPrimitives.WriteInt64LittleEndian(header[24..], block.LastUnixMs);
            BinaryPrimitives.WriteInt64LittleEndian(header[32..], block.Version);
            BinaryPrimitives.WriteInt64LittleEndian(header[40..], block.VersionBound);
            BinaryPrimitives.WriteInt32LittleEndian(header[48..], block.Content.Length);
            block.Content.Span.CopyTo(content.AsSpan(position + BlockHeaderBytes));
            position += BlockHeaderBytes + block.Content.Length;
        }

        name = NameOf(blocks, ContentHash.Of(content), content.Length);
        return content;
    }

    /// <exception cref="ArchiveException">The content does not match the name; the message has the name.</exception>
    public static IReadOnlyList<LogBlock> Decode(byte[] content, LogSegmentName name)
    {
        if (ContentHash.Of(content) != name.Hash)
        {
            throw new ArchiveException(
                $"{name.ObjectName} is damaged: its content does not match the hash in its name");
        }

        if (content.Length < HeaderBytes || !content.AsSpan().StartsWith(Magic))
        {
            throw new ArchiveException($"{name.ObjectName} is not a log segment");
        }

        int format = BinaryPrimitives.ReadInt32LittleEndian(content.AsSpan(8));
        if (format != FormatVersion)
        {
            throw new ArchiveException(
                $"{name.ObjectName} has format {format}; this program knows {FormatVersion}");
        }

        var blocks = new List<LogBlock>();
        int position = HeaderBytes;
        while (position < content.Length)
        {
            LogBlock? block = TryReadBlock(content, ref position);
            if (block is null || (blocks.Count > 0 && block.FirstSlot != blocks[^1].LastSlot + 1))
            {
                throw new ArchiveException($"{name.ObjectName} is damaged: a block is malformed or out of sequence");
            }

            blocks.Add(block);
        }

        return blocks.Count > 0 && NameOf(blocks, name.Hash, name.SizeBytes) == name
            ? blocks
            : throw new ArchiveException($"{name.ObjectName} is damaged: its blocks do not match its name");
    }

    private static LogBlock? TryReadBlock(byte[] content, ref int position)
    {
        if (content.Length - position < BlockHeaderBytes)
        {
            return null;
        }

        ReadOnlySpan<byte> header = content.AsSpan(position, BlockHeaderBytes);
        int length = BinaryPrimitives.ReadInt32LittleEndian(header[48..]);
        position += BlockHeaderBytes;
        if (length < 0 || length > content.Length - position)
        {
            return null;
        }

        var block = new LogBlock(
            BinaryPrimitives.ReadInt64LittleEndian(header),
            BinaryPrimitives.ReadInt64LittleEndian(header[8..]),
            BinaryPrimitives.ReadInt64LittleEndian(header[16..]),
            BinaryPrimitives.ReadInt64LittleEndian(header[24..]),
            BinaryPrimitives.ReadInt64LittleEndian(header[32..]),
            BinaryPrimitives.ReadInt64LittleEndian(header[40..]),
            content.AsMemory(position, length));
        position += length;
        return block.FirstSlot <= block.LastSlot ? block : null;
    }

    private static LogSegmentName NameOf(IReadOnlyList<LogBlock> blocks, string hash, long sizeBytes) => new(
        blocks[0].FirstSlot,
        blocks[^1].LastSlot,
        blocks.FirstOrDefault(block => block.FirstUnixMs > 0)?.FirstUnixMs ?? 0,
        blocks.LastOrDefault(block => block.LastUnixMs > 0)?.LastUnixMs ?? 0,
        blocks.Max(block => block.Version),
        blocks.Max(block => block.VersionBound),
        hash,
        sizeBytes);
}

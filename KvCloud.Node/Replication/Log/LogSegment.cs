using System.Buffers.Binary;
using System.IO.Hashing;
using KvCloud.Node.Files;

namespace KvCloud.Node.Replication.Log;

/// <summary>
/// One file of the log: a sector that says which it is, then groups, one after the other. Where a group ends that is
/// the last one here, there are zeros, or what the file held when it was another segment, which has lower sequences.
/// </summary>
/// <remarks>
/// Writes cover whole pages, so that writing over old content reads nothing from the disk, and neither grows the file
/// nor changes its inode: that makes a sync cheaper than an append's. Only the segment that is written keeps its file
/// open, and uses the pages that all share. What a reader needs is guarded by the log.
/// </remarks>
internal sealed class LogSegment : IDisposable
{
    public const int PageSizeBytes = 4096;

    private const int BlockSizeBytes = 64 * 1024;
    private const int FormatVersion = 2;
    private const int HeaderSizeBytes = 44;

    private readonly IFileSystem _files;
    private readonly IFile _file;
    private readonly PageBuffer _pages;
    private readonly List<Block> _blocks = [];

    /// <summary>Behind the last group: how far there are sectors of one that was never finished.</summary>
    private int _unfinishedBytes;

    private LogSegment(
        IFileSystem files, string path, IFile file, PageBuffer pages, long number, long firstSequence, long sizeBytes)
    {
        _files = files;
        Path = path;
        _file = file;
        _pages = pages;
        Number = number;
        FirstSequence = firstSequence;
        SizeBytes = sizeBytes;
    }

    public string Path { get; private set; }

    /// <summary>From 1, without gaps.</summary>
    public long Number { get; }

    /// <summary>Of its first group.</summary>
    public long FirstSequence { get; }

    /// <summary>Of the file, from its making on: no group may go beyond.</summary>
    public long SizeBytes { get; }

    /// <summary>Behind the last group.</summary>
    public long EndBytes { get; private set; }

    /// <summary>Those of its entries.</summary>
    public SlotSpan Slots { get; private set; } = SlotSpan.None;

    /// <summary>Readers that are at it: it must not be written over.</summary>
    public int Readers { get; set; }

    private static ReadOnlySpan<byte> Magic => "KvPaxLog"u8;

    /// <summary>
    /// Makes a new segment of this file, new or of former use, with its first group. Durable when it returns, but for
    /// the file's name.
    /// </summary>
    /// <param name="usualSizeBytes">Of the file; a larger group makes a larger one.</param>
    public static LogSegment Create(
        IFileSystem files,
        string path,
        long usualSizeBytes,
        PageBuffer pages,
        long number,
        long sequence,
        ReadOnlySpan<byte> body,
        SlotSpan slots)
    {
        IFile file = files.Open(path, FileMode.OpenOrCreate, FileAccess.ReadWrite);
        long needed = RoundUpToPage(GroupFrame.SectorSizeBytes + GroupFrame.SizeOf(body.Length));
        var segment = new LogSegment(files, path, file, pages, number, sequence, Math.Max(usualSizeBytes, needed));
        try
        {
            // It never grows afterwards: a file that is shorter at a start has lost its end.
            file.SetLength(segment.SizeBytes);
            segment.WriteHeader();
            segment.Append(sequence, body);
            segment.NoteAppended(body.Length, slots);
            return segment;
        }
        catch
        {
            segment.Dispose();
            throw;
        }
    }

    /// <summary>Opens a segment to continue it. Its groups are found by <see cref="Scan"/>.</summary>
    /// <exception cref="LogCorruptException">It is not the segment with this number.</exception>
    public static LogSegment Open(IFileSystem files, string path, PageBuffer pages, long number)
    {
        IFile file = files.Open(path, FileMode.Open, FileAccess.ReadWrite);
        try
        {
            Span<byte> sector = stackalloc byte[GroupFrame.SectorSizeBytes];
            int read = file.ReadFully(sector, 0);
            ReadOnlySpan<byte> header = sector[..HeaderSizeBytes];
            if (read < sector.Length || !header.StartsWith(Magic))
            {
                throw NoSegment(path);
            }

            // Before the checksum, whose place is the format's affair.
            int format = BinaryPrimitives.ReadInt32LittleEndian(header[8..]);
            if (format != FormatVersion)
            {
                throw new LogCorruptException($"{path} has format {format}; this program knows {FormatVersion}");
            }

            if (BinaryPrimitives.ReadUInt64LittleEndian(header[36..]) != XxHash3.HashToUInt64(header[..36]))
            {
                throw NoSegment(path);
            }

            if (BinaryPrimitives.ReadInt64LittleEndian(header[12..]) != number)
            {
                throw new LogCorruptException($"{path} holds another segment than its name says");
            }

            long sizeBytes = BinaryPrimitives.ReadInt64LittleEndian(header[28..]);
            long length = file.Length;
            if (length < sizeBytes)
            {
                throw new LogCorruptException(
                    $"{path} has {length} bytes, which is shorter than the {sizeBytes} it was made with");
            }

            return new LogSegment(
                files, path, file, pages, number, BinaryPrimitives.ReadInt64LittleEndian(header[20..]), sizeBytes);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Reads the whole file, hands on each group's body in order and makes its end the place for the next one.
    /// </summary>
    /// <param name="content">Memory for the file, which may grow.</param>
    /// <param name="onGroup">Says which slots the group has.</param>
    /// <returns>The sequence that comes next.</returns>
    /// <exception cref="LogCorruptException">A group is damaged, or one is missing before others that are
    /// there.</exception>
    public long Scan(ref byte[] content, Func<ReadOnlyMemory<byte>, SlotSpan> onGroup)
    {
        int length = checked((int)_file.Length);
        if (content.Length < length)
        {
            content = new byte[length];
        }

        ReadOnlySpan<byte> file = content.AsSpan(0, length);
        ReadFully(_file, content.AsSpan(0, length), 0);
        byte[] body = [];
        long sequence = FirstSequence;
        EndBytes = GroupFrame.SectorSizeBytes;
        while (true)
        {
            ReadOnlySpan<byte> rest = file[(int)EndBytes..];
            GroupState state = GroupFrame.Read(rest, sequence, ref body, out int bodyBytes);
            if (state == GroupState.Unfinished)
            {
                _unfinishedBytes = UnfinishedBytes(rest, sequence);
                return sequence;
            }

            if (state == GroupState.Damaged)
            {
                throw Damaged(sequence);
            }

            sequence++;
            NoteAppended(bodyBytes, onGroup(body.AsMemory(0, bodyBytes)));
        }
    }

    /// <summary>
    /// Of the last segment, after <see cref="Scan"/>: makes what was read durable, and wipes out what was written
    /// behind it without being finished, lest its sectors are taken for those of the group that gets its place and its
    /// sequence.
    /// </summary>
    /// <remarks>
    /// What was read may be in the page cache alone: of a process that died before its sync, or whose sync failed,
    /// after which the kernel takes the pages for clean and no sync writes them any more. So they are written anew. A
    /// crash in the middle leaves of each sector the same content, old or new.
    /// </remarks>
    /// <param name="content">The file as it was read.</param>
    public void Renew(Span<byte> content)
    {
        content.Slice((int)EndBytes, _unfinishedBytes).Clear();
        int end = (int)Math.Min(content.Length, RoundUpToPage(EndBytes + _unfinishedBytes));
        _file.Write(content[..end], 0);
        _file.SyncData();
        int before = (int)(EndBytes % PageSizeBytes);
        _pages.Keep(content.Slice((int)EndBytes - before, before));
    }

    /// <summary>
    /// Writes a group behind the last one; durable when it returns. <see cref="NoteAppended"/> makes it readable.
    /// </summary>
    public void Append(long sequence, ReadOnlySpan<byte> body)
    {
        int before = (int)(EndBytes % PageSizeBytes);
        int size = GroupFrame.SizeOf(body.Length);
        Span<byte> pages = _pages.Take((int)RoundUpToPage(before + size));
        GroupFrame.Write(pages.Slice(before, size), sequence, body);
        pages[(before + size)..].Clear();
        _file.Write(pages, EndBytes - before);
        _file.SyncData();
        int after = (before + size) % PageSizeBytes;
        _pages.Keep(pages.Slice(before + size - after, after));
    }

    /// <summary>The group that was written is there now. Under the log's lock.</summary>
    public void NoteAppended(int bodyBytes, SlotSpan slots)
    {
        if (_blocks.Count == 0 || EndBytes - _blocks[^1].Start >= BlockSizeBytes)
        {
            _blocks.Add(new Block(EndBytes, _blocks.Count == 0 ? FirstSequence : _blocks[^1].NextSequence));
        }

        Block block = _blocks[^1];
        EndBytes += GroupFrame.SizeOf(bodyBytes);
        block.NextSequence++;
        block.Slots = block.Slots.With(slots);
        Slots = Slots.With(slots);
    }

    /// <summary>The parts of the file in which such slots lie. Under the log's lock.</summary>
    public List<BlockPlace> PlacesOf(long from, long to)
    {
        var places = new List<BlockPlace>();
        for (int i = 0; i < _blocks.Count; i++)
        {
            Block block = _blocks[i];
            if (block.Slots.Overlaps(from, to))
            {
                long end = i + 1 < _blocks.Count ? _blocks[i + 1].Start : EndBytes;
                places.Add(new BlockPlace(block.Start, (int)(end - block.Start), block.Sequence, block.NextSequence));
            }
        }

        return places;
    }

    /// <summary>Hands on each group's body of a part of the file.</summary>
    /// <exception cref="LogCorruptException">What is there is not what was written.</exception>
    public void Read(in BlockPlace place, Action<ReadOnlyMemory<byte>> onGroup)
    {
        byte[] content = new byte[place.SizeBytes];
        using (IFile file = _files.Open(Path, FileMode.Open, FileAccess.Read))
        {
            ReadFully(file, content, place.Start);
        }

        byte[] body = [];
        int start = 0;
        for (long sequence = place.FirstSequence; sequence < place.NextSequence; sequence++)
        {
            if (GroupFrame.Read(content.AsSpan(start), sequence, ref body, out int bodyBytes) != GroupState.Whole)
            {
                throw Damaged(sequence);
            }

            start += GroupFrame.SizeOf(bodyBytes);
            onGroup(body.AsMemory(0, bodyBytes));
        }
    }

    /// <summary>Gives the file another name. Not durable before its directory is.</summary>
    public void MoveTo(string path)
    {
        _files.Move(Path, path, replaces: false);
        Path = path;
    }

    /// <summary>Nothing more is written into it; it may still be read.</summary>
    public void Dispose() => _file.Dispose();

    private void WriteHeader()
    {
        Span<byte> sector = stackalloc byte[GroupFrame.SectorSizeBytes];
        Span<byte> header = sector[..HeaderSizeBytes];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header[8..], FormatVersion);
        BinaryPrimitives.WriteInt64LittleEndian(header[12..], Number);
        BinaryPrimitives.WriteInt64LittleEndian(header[20..], FirstSequence);
        BinaryPrimitives.WriteInt64LittleEndian(header[28..], SizeBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(header[36..], XxHash3.HashToUInt64(header[..36]));
        _pages.Keep(sector);
        EndBytes = GroupFrame.SectorSizeBytes;
    }

    /// <summary>
    /// How far there are sectors of the group that is not all there. Every group is synced before the next is written.
    /// So this one never was, unless something follows that was written after it.
    /// </summary>
    private int UnfinishedBytes(ReadOnlySpan<byte> rest, long sequence)
    {
        int unfinished = 0;
        for (int start = 0; start < rest.Length; start += GroupFrame.SectorSizeBytes)
        {
            long found = GroupFrame.SequenceAt(rest[start..]);
            if (found > sequence)
            {
                throw Damaged(sequence);
            }

            if (found == sequence)
            {
                unfinished = start + GroupFrame.SectorSizeBytes;
            }
        }

        return unfinished;
    }

    private static long RoundUpToPage(long bytes) => (bytes + PageSizeBytes - 1) / PageSizeBytes * PageSizeBytes;

    private void ReadFully(IFile file, Span<byte> destination, long start)
    {
        if (file.ReadFully(destination, start) < destination.Length)
        {
            throw new LogCorruptException($"{Path} ends before what was written into it");
        }
    }

    private static LogCorruptException NoSegment(string path) =>
        new($"{path} does not begin as a segment of the log does");

    private LogCorruptException Damaged(long sequence) =>
        new($"{Path} is damaged: write {sequence} of the log is not there as it was written");

    /// <summary>Groups that are found together.</summary>
    private sealed class Block(long start, long sequence)
    {
        public long Start => start;

        public long Sequence { get; } = sequence;

        public long NextSequence { get; set; } = sequence;

        public SlotSpan Slots { get; set; } = SlotSpan.None;
    }
}

/// <summary>A part of a segment that begins and ends with a group.</summary>
internal readonly record struct BlockPlace(long Start, int SizeBytes, long FirstSequence, long NextSequence);

/// <summary>The lowest and the highest of some slots; long.MaxValue and 0 of none.</summary>
internal readonly record struct SlotSpan(long Min, long Max)
{
    public static readonly SlotSpan None = new(long.MaxValue, 0);

    public bool Overlaps(long from, long to) => Min <= to && Max >= from;

    public SlotSpan With(long slot) => new(Math.Min(Min, slot), Math.Max(Max, slot));

    public SlotSpan With(SlotSpan other) => new(Math.Min(Min, other.Min), Math.Max(Max, other.Max));
}

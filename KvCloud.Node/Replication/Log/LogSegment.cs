using System.Buffers.Binary;
using System.IO.Hashing;
using KvCloud.Node.Files;

namespace KvCloud.Node.Replication.Log;

/// <summary>
/// One file of the log: a header sector that identifies the segment, then its groups, one after the other. After the
/// last group come zeros, or remains of an earlier segment in the same file, whose sequences are lower.
/// </summary>
/// <remarks>
/// Writes cover whole pages, so overwriting old content reads nothing from the disk, and neither grows the file nor
/// changes its inode: that makes a sync cheaper than for an append. Only the segment being written keeps its file open
/// and uses the page buffer, which all segments share. The log's lock guards what readers need.
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

    /// <summary>Size of the sectors of an unfinished group after the last group.</summary>
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

    /// <summary>Starts at 1; segments have no gaps.</summary>
    public long Number { get; }

    /// <summary>Sequence of the first group.</summary>
    public long FirstSequence { get; }

    /// <summary>Size of the file since it was made; no group may extend beyond it.</summary>
    public long SizeBytes { get; }

    /// <summary>Where the last group ends.</summary>
    public long EndBytes { get; private set; }

    /// <summary>The slots of its entries.</summary>
    public SlotSpan Slots { get; private set; } = SlotSpan.None;

    /// <summary>Readers currently using the file, which must not be overwritten meanwhile.</summary>
    public int Readers { get; set; }

    private static ReadOnlySpan<byte> Magic => "KvPaxLog"u8;

    /// <summary>
    /// Makes a new or recycled file a segment, with its first group. Durable when it returns, except for the file's
    /// name.
    /// </summary>
    /// <param name="usualSizeBytes">Size of the file, unless its first group needs a larger one.</param>
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
            // The file never grows after this, so one that is shorter at a start has lost its end.
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

    /// <summary>Opens a segment to continue it. <see cref="Scan"/> finds its groups.</summary>
    /// <exception cref="LogCorruptException">The file is not the segment with this number.</exception>
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

            // Checked before the checksum, because the format determines where that is.
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
                throw new LogCorruptException($"{path} holds a different segment than its name says");
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
    /// Reads the whole file, passes the body of each group on in order, and sets the end to where the next group goes.
    /// </summary>
    /// <param name="content">Memory for the file; may be replaced by a larger array.</param>
    /// <param name="onGroup">Returns the slots of the group.</param>
    /// <returns>The next sequence.</returns>
    /// <exception cref="LogCorruptException">A group is damaged, or one is missing although later ones
    /// exist.</exception>
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
    /// For the last segment, after <see cref="Scan"/>: makes what was read durable, and erases an unfinished group
    /// after it. Otherwise its sectors could be taken for those of the group that gets the same place and sequence.
    /// </summary>
    /// <remarks>
    /// What was read may exist only in the page cache, left by a process that died before its sync or whose sync
    /// failed. After a failed sync the kernel considers the pages clean and no later sync writes them, so they are
    /// written again. A crash during that leaves each sector with the same content.
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
    /// Writes a group after the last one; durable when it returns. <see cref="NoteAppended"/> makes it readable.
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

    /// <summary>Adds the written group to the segment. Called under the log's lock.</summary>
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

    /// <summary>The parts of the file that hold these slots. Called under the log's lock.</summary>
    public List<BlockPlace> PlacesOf(long from, long to)
    {
        var places = new List<BlockPlace>();
        for (int i = 0; i < _blocks.Count; i++)
        {
            if (_blocks[i].Slots.Overlaps(from, to))
            {
                places.Add(PlaceOf(i));
            }
        }

        return places;
    }

    /// <summary>The first part of the file at or behind this place. Called under the log's lock.</summary>
    public bool TryFindPlace(long start, out BlockPlace place)
    {
        int index = _blocks.FindIndex(block => block.Start >= start);
        place = index < 0 ? default : PlaceOf(index);
        return index >= 0;
    }

    /// <summary>Reads a part of the file from the disk, and with the first one the header.</summary>
    /// <exception cref="LogCorruptException">The content is not what was written.</exception>
    public void Check(in BlockPlace place)
    {
        using (IFile file = _files.Open(Path, FileMode.Open, FileAccess.Read))
        {
            file.DropCached();
            if (place.Start == GroupFrame.SectorSizeBytes)
            {
                CheckHeader(file);
            }
        }

        Read(place, static _ => { });
    }

    /// <summary>Passes on the body of each group in a part of the file.</summary>
    /// <exception cref="LogCorruptException">The content is not what was written.</exception>
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

    /// <summary>Renames the file. Durable once its directory is flushed.</summary>
    public void MoveTo(string path)
    {
        _files.Move(Path, path, replaces: false);
        Path = path;
    }

    /// <summary>Closes the file for writing; it may still be read.</summary>
    public void Dispose() => _file.Dispose();

    private BlockPlace PlaceOf(int index)
    {
        Block block = _blocks[index];
        long end = index + 1 < _blocks.Count ? _blocks[index + 1].Start : EndBytes;
        return new BlockPlace(block.Start, (int)(end - block.Start), block.Sequence, block.NextSequence);
    }

    private void CheckHeader(IFile file)
    {
        Span<byte> header = stackalloc byte[HeaderSizeBytes];
        ReadFully(file, header, 0);
        if (!header.StartsWith(Magic)
            || BinaryPrimitives.ReadUInt64LittleEndian(header[36..]) != XxHash3.HashToUInt64(header[..36])
            || BinaryPrimitives.ReadInt64LittleEndian(header[12..]) != Number)
        {
            throw NoSegment(Path);
        }
    }

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
    /// Size of the sectors that belong to the incomplete group. Each group is synced before the next is written, so an
    /// incomplete group was never synced, unless sectors written after it follow.
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
            throw new LogCorruptException($"{Path} is shorter than the data that was written to it");
        }
    }

    private static LogCorruptException NoSegment(string path) =>
        new($"{path} does not begin with the header of a log segment");

    private LogCorruptException Damaged(long sequence) =>
        new($"{Path} is damaged: write {sequence} of the log is not there as it was written");

    /// <summary>Groups that are located together.</summary>
    private sealed class Block(long start, long sequence)
    {
        public long Start => start;

        public long Sequence { get; } = sequence;

        public long NextSequence { get; set; } = sequence;

        public SlotSpan Slots { get; set; } = SlotSpan.None;
    }
}

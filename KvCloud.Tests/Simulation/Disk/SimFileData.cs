using System.Numerics;
using KvCloud.Consensus;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// The content of a file: as it is seen, and as it is on the disk. They differ in the sectors that were written since
/// the last sync, each of which may reach the disk by itself, and in the length, and in what a sync that failed has
/// given up.
/// </summary>
internal sealed class SimFileData : SimInode
{
    public const int SectorSizeBytes = 512;

    private const int PageSizeBytes = 4096;
    private const int SectorsOfPage = PageSizeBytes / SectorSizeBytes;

    /// <summary>Both are zero beyond their lengths.</summary>
    private byte[] _visible = [];
    private byte[] _durable = [];
    private int _durableLength;
    private bool _isLengthDirty;
    private ulong[] _dirty = [];

    /// <summary>
    /// Pages that have their place on the disk; the others of a file that has only its length do not.
    /// </summary>
    private ulong[] _allocated = [];

    public int Length { get; private set; }

    public int Read(Span<byte> destination, long offset)
    {
        int count = (int)Math.Clamp(Length - offset, 0, destination.Length);
        _visible.AsSpan((int)Math.Min(offset, Length), count).CopyTo(destination);
        return count;
    }

    public JournaledCall Write(ReadOnlySpan<byte> source, long offset)
    {
        int start = checked((int)offset);
        int end = checked(start + source.Length);
        EnsureCapacity(end);
        var call = new ContentCall(this, start, end);
        source.CopyTo(_visible.AsSpan(start));
        MarkDirty(start, end);
        for (int page = start / PageSizeBytes; page * PageSizeBytes < end; page++)
        {
            _allocated[page / 64] |= 1UL << page;
        }

        if (end > Length && source.Length > 0)
        {
            Length = end;
            _isLengthDirty = true;
        }

        return call;
    }

    /// <summary>How much of a write at this place fits into pages that the file has already.</summary>
    public int BytesWithoutNewSpace(long offset, int count)
    {
        int page = (int)(offset / PageSizeBytes);
        while (page < _allocated.Length * 64 && (_allocated[page / 64] & (1UL << page)) != 0)
        {
            page++;
        }

        return (int)Math.Clamp(((long)page * PageSizeBytes) - offset, 0, count);
    }

    public JournaledCall SetLength(long length)
    {
        int newLength = checked((int)length);
        EnsureCapacity(newLength);
        int start = Math.Min(newLength, Length);
        var call = new ContentCall(this, start, Length);
        if (newLength < Length)
        {
            _visible.AsSpan(start, Length - start).Clear();
            MarkDirty(start, Length);
            for (int page = (start + PageSizeBytes - 1) / PageSizeBytes; page < _allocated.Length * 64; page++)
            {
                _allocated[page / 64] &= ~(1UL << page);
            }
        }

        _isLengthDirty |= newLength != Length;
        Length = newLength;
        return call;
    }

    public JournaledCall Sync()
    {
        var call = new SyncCall(this);
        foreach (int sector in call.Sectors)
        {
            CopyToDisk(sector);
        }

        _durableLength = Length;
        BecomeClean();
        return call;
    }

    /// <summary>
    /// Some of it got to the disk. The rest is given up: it is seen until it is no more, and counts as clean.
    /// </summary>
    public JournaledCall FailToSync(DeterministicRandom random)
    {
        var call = new SyncCall(this);
        ReachDisk(call.Sectors, random);
        BecomeClean();
        return call;
    }

    public override void CutPower(DeterministicRandom random)
    {
        ReachDisk(DirtySectors(), random);
        BecomeClean();
        _durable.AsSpan(_durableLength).Clear();
        _durable.CopyTo(_visible.AsSpan());
        Length = _durableLength;
    }

    public override SimInode Clone() => new SimFileData
    {
        _visible = [.. _visible],
        _durable = [.. _visible],
        _dirty = new ulong[_dirty.Length],
        _allocated = [.. _allocated],
        _durableLength = Length,
        Length = Length,
    };

    public void FlipBit(long bit)
    {
        int place = (int)(bit / 8);
        byte mask = (byte)(1 << (int)(bit % 8));
        _visible[place] ^= mask;
        _durable[place] ^= mask;
    }

    /// <summary>Each sector by itself, and the length: all of it, nothing, or any part.</summary>
    private void ReachDisk(List<int> sectors, DeterministicRandom random)
    {
        int perMille = random.Next(4) switch { 0 => 0, 1 => 1000, _ => 500 };
        foreach (int sector in sectors)
        {
            if (random.Chance(perMille))
            {
                CopyToDisk(sector);
            }
        }

        if (_isLengthDirty && random.Chance(perMille))
        {
            _durableLength = Length;
        }
    }

    private void CopyToDisk(int sector)
    {
        int start = sector * SectorSizeBytes;
        _visible.AsSpan(start, SectorSizeBytes).CopyTo(_durable.AsSpan(start));
    }

    private void MarkDirty(int start, int end)
    {
        for (int sector = start / SectorSizeBytes; sector * SectorSizeBytes < end; sector++)
        {
            _dirty[sector / 64] |= 1UL << sector;
        }
    }

    private void BecomeClean()
    {
        _dirty.AsSpan().Clear();
        _isLengthDirty = false;
    }

    private List<int> DirtySectors()
    {
        var sectors = new List<int>();
        for (int word = 0; word < _dirty.Length; word++)
        {
            for (ulong bits = _dirty[word]; bits != 0; bits &= bits - 1)
            {
                sectors.Add((word * 64) + BitOperations.TrailingZeroCount(bits));
            }
        }

        return sectors;
    }

    /// <summary>Whole pages.</summary>
    private void EnsureCapacity(int bytes)
    {
        if (_visible.Length >= bytes)
        {
            return;
        }

        int pages = Math.Max((bytes + PageSizeBytes - 1) / PageSizeBytes, 2 * _visible.Length / PageSizeBytes);
        Array.Resize(ref _visible, pages * PageSizeBytes);
        Array.Resize(ref _durable, pages * PageSizeBytes);
        Array.Resize(ref _dirty, ((pages * SectorsOfPage) + 63) / 64);
        Array.Resize(ref _allocated, (pages + 63) / 64);
    }

    /// <summary>A write, or a change of the length, which touches the content from start to end.</summary>
    private sealed class ContentCall : JournaledCall
    {
        private readonly SimFileData _file;
        private readonly int _start;
        private readonly byte[] _contentBefore;
        private readonly ulong[] _dirtyBefore;
        private readonly int _lengthBefore;
        private readonly bool _wasLengthDirty;

        public ContentCall(SimFileData file, int start, int end)
        {
            _file = file;
            _start = start;
            _contentBefore = file._visible[start..end];
            _dirtyBefore = [.. file._dirty];
            _lengthBefore = file.Length;
            _wasLengthDirty = file._isLengthDirty;
        }

        /// <summary>A write that is cut off has written its first sectors.</summary>
        public override void Undo(DeterministicRandom? random)
        {
            int end = _start + _contentBefore.Length;
            bool isWrite = _contentBefore.Length > 0 && _file.Length >= end;
            int sectors = _contentBefore.Length / SectorSizeBytes;
            int kept = random is null || !isWrite || sectors == 0 ? 0 : random.Next(sectors) * SectorSizeBytes;
            _contentBefore.AsSpan(kept).CopyTo(_file._visible.AsSpan(_start + kept));
            _file._dirty.AsSpan().Clear();
            _dirtyBefore.CopyTo(_file._dirty.AsSpan());
            _file.MarkDirty(_start, _start + kept);
            int length = kept > 0 ? Math.Max(_lengthBefore, _start + kept) : _lengthBefore;
            _file._isLengthDirty = _wasLengthDirty || length != _lengthBefore;
            _file.Length = length;
        }
    }

    /// <summary>A sync, gone well or not.</summary>
    private sealed class SyncCall : JournaledCall
    {
        private readonly SimFileData _file;
        private readonly byte[] _durableBefore;
        private readonly int _durableLengthBefore;
        private readonly bool _wasLengthDirty;

        public SyncCall(SimFileData file)
        {
            _file = file;
            Sectors = file.DirtySectors();
            _durableBefore = new byte[Sectors.Count * SectorSizeBytes];
            for (int i = 0; i < Sectors.Count; i++)
            {
                file._durable.AsSpan(Sectors[i] * SectorSizeBytes, SectorSizeBytes)
                    .CopyTo(_durableBefore.AsSpan(i * SectorSizeBytes));
            }

            _durableLengthBefore = file._durableLength;
            _wasLengthDirty = file._isLengthDirty;
        }

        public List<int> Sectors { get; }

        /// <summary>
        /// A sync that is cut off may have brought any sector to the disk, as the power's end would decide anyway.
        /// </summary>
        public override void Undo(DeterministicRandom? random)
        {
            for (int i = 0; i < Sectors.Count; i++)
            {
                int start = Sectors[i] * SectorSizeBytes;
                _durableBefore.AsSpan(i * SectorSizeBytes, SectorSizeBytes).CopyTo(_file._durable.AsSpan(start));
                _file.MarkDirty(start, start + SectorSizeBytes);
            }

            _file._durableLength = _durableLengthBefore;
            _file._isLengthDirty = _wasLengthDirty;
        }
    }
}

namespace KvCloud.Node.Replication.Log;

/// <summary>
/// The segments of a log in order, the last one being written, and which of them are being read. Its lock is never held
/// during I/O. Any thread.
/// </summary>
internal sealed class SegmentList
{
    private readonly Lock _gate = new();
    private readonly List<LogSegment> _segments = [];

    /// <summary>Bytes of groups in the segments below the one being written.</summary>
    public long SealedBytes
    {
        get
        {
            lock (_gate)
            {
                return _segments.Take(Math.Max(0, _segments.Count - 1)).Sum(segment => segment.EndBytes);
            }
        }
    }

    public void Add(LogSegment segment)
    {
        lock (_gate)
        {
            _segments.Add(segment);
        }
    }

    /// <summary>Makes an appended group visible to readers.</summary>
    public void NoteAppended(LogSegment active, int bodyBytes, SlotSpan slots)
    {
        lock (_gate)
        {
            active.NoteAppended(bodyBytes, slots);
        }
    }

    /// <summary>
    /// The first slot, at or above the given one, from which on the log needs only files of so many bytes together. The
    /// segment being written always stays.
    /// </summary>
    public long FirstSlotWithin(long bytes, long firstSlot)
    {
        lock (_gate)
        {
            long left = bytes;
            int kept = _segments.Count;
            while (kept > 0 && (left >= _segments[kept - 1].SizeBytes || kept == _segments.Count))
            {
                kept--;
                left -= _segments[kept].SizeBytes;
            }

            long first = firstSlot;
            for (int i = 0; i < kept; i++)
            {
                first = Math.Max(first, _segments[i].Slots.Max + 1);
            }

            return first;
        }
    }

    /// <summary>The segments that hold any of these slots; they stay until <see cref="EndReading"/>.</summary>
    public List<LogSegment> BeginReading(long from, long to)
    {
        lock (_gate)
        {
            List<LogSegment> segments = _segments.FindAll(segment => segment.Slots.Overlaps(from, to));
            segments.ForEach(segment => segment.Readers++);
            return segments;
        }
    }

    public List<BlockPlace> PlacesIn(LogSegment segment, long from, long to)
    {
        lock (_gate)
        {
            return segment.PlacesOf(from, to);
        }
    }

    /// <summary>
    /// The segment with the first block at or after the place, if it is not the one being written. The segment stays
    /// until <see cref="EndReading"/>, and the place moves behind the block; at the end it is reset and null returned.
    /// </summary>
    public LogSegment? BeginCheck(ref LogPlace place, out BlockPlace block)
    {
        lock (_gate)
        {
            for (int i = 0; i < _segments.Count - 1; i++)
            {
                LogSegment segment = _segments[i];
                if (segment.Number >= place.Segment
                    && segment.TryFindPlace(segment.Number == place.Segment ? place.Start : 0, out block))
                {
                    place = new LogPlace(segment.Number, block.Start + block.SizeBytes);
                    segment.Readers++;
                    return segment;
                }
            }
        }

        block = default;
        place = default;
        return null;
    }

    public void EndReading(List<LogSegment> segments)
    {
        lock (_gate)
        {
            segments.ForEach(segment => segment.Readers--);
        }
    }

    /// <summary>The number of the first segment that holds a slot from this one on; null if none does.</summary>
    public long? FindOldestNeeded(long firstSlot)
    {
        lock (_gate)
        {
            return _segments.Find(segment => segment.Slots.Max >= firstSlot)?.Number;
        }
    }

    /// <summary>
    /// Takes out the segments below the oldest one that must exist, up to the first that is being read.
    /// </summary>
    public List<LogSegment> TakeObsolete(long oldest)
    {
        lock (_gate)
        {
            int count = 0;
            while (count < _segments.Count - 1 && _segments[count].Number < oldest && _segments[count].Readers == 0)
            {
                count++;
            }

            List<LogSegment> obsolete = _segments.GetRange(0, count);
            _segments.RemoveRange(0, count);
            return obsolete;
        }
    }
}

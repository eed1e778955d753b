namespace KvCloud.Tests.Live.Linearizability;

/// <summary>Where the search could get no further.</summary>
/// <param name="Placed">Operations in the longest order found.</param>
/// <param name="Value">The value behind them.</param>
/// <param name="Next">Those that are under way there; none of them fits.</param>
internal sealed record StuckSearch(int Placed, long Value, IReadOnlyList<RecordedOperation> Next);

/// <summary>One search over the operations of one register, which are given by ascending start.</summary>
internal sealed class LinearizationSearch
{
    private readonly RecordedOperation[] _operations;
    private readonly Event _head = new(-1, isEnd: false);
    private readonly HashSet<TriedState> _tried = [];
    private readonly Stack<(Event Start, long ValueBefore)> _placed = new();
    private ulong[] _isPlaced;
    private long _value = RecordedOperation.Absent;
    private StuckSearch? _longest;

    public LinearizationSearch(RecordedOperation[] operations)
    {
        _operations = operations;
        _isPlaced = new ulong[(operations.Length + 63) / 64];
        Link();
    }

    /// <summary>Null when there is an order.</summary>
    public StuckSearch? Run()
    {
        Event? next = _head.Next;
        while (_head.Next is not null)
        {
            if (next is { IsEnd: false })
            {
                next = TryPlace(next) ? _head.Next : next.Next;
                continue;
            }

            // An operation ended that is not placed, or nothing fits: what was placed last was placed wrongly.
            NoteLongest();
            if (!_placed.TryPop(out (Event Start, long ValueBefore) last))
            {
                return _longest;
            }

            Unplace(last.Start, last.ValueBefore);
            next = last.Start.Next;
        }

        return null;
    }

    private bool TryPlace(Event start)
    {
        if (_operations[start.Index].Apply(_value) is not long value)
        {
            return false;
        }

        ulong[] placed = (ulong[])_isPlaced.Clone();
        placed[start.Index / 64] |= 1UL << (start.Index % 64);
        if (!_tried.Add(new TriedState(placed, value)))
        {
            return false;
        }

        _placed.Push((start, _value));
        _isPlaced = placed;
        _value = value;
        start.Unlink();
        start.End!.Unlink();
        return true;
    }

    private void Unplace(Event start, long valueBefore)
    {
        _value = valueBefore;
        _isPlaced = (ulong[])_isPlaced.Clone();
        _isPlaced[start.Index / 64] &= ~(1UL << (start.Index % 64));
        start.End!.Relink();
        start.Relink();
    }

    private void NoteLongest()
    {
        if (_longest is null || _placed.Count > _longest.Placed)
        {
            var underWay = new List<RecordedOperation>();
            for (Event? at = _head.Next; at is { IsEnd: false }; at = at.Next)
            {
                underWay.Add(_operations[at.Index]);
            }

            _longest = new StuckSearch(_placed.Count, _value, underWay);
        }
    }

    /// <summary>
    /// All starts and ends by time. At the same time starts come first: those operations may overlap.
    /// </summary>
    private void Link()
    {
        IEnumerable<Event> events = _operations
            .SelectMany((operation, index) =>
            {
                var start = new Event(index, isEnd: false) { At = operation.Start };
                start.End = new Event(index, isEnd: true) { At = operation.End };
                return new[] { start, start.End };
            })
            .OrderBy(at => at.At)
            .ThenBy(at => at.IsEnd);
        Event last = _head;
        foreach (Event next in events)
        {
            last.Next = next;
            next.Previous = last;
            last = next;
        }
    }

    private sealed class Event(int index, bool isEnd)
    {
        public int Index { get; } = index;

        public bool IsEnd { get; } = isEnd;

        public long At { get; init; }

        public Event? End { get; set; }

        public Event? Previous { get; set; }

        public Event? Next { get; set; }

        public void Unlink()
        {
            Previous!.Next = Next;
            if (Next is not null)
            {
                Next.Previous = Previous;
            }
        }

        /// <summary>
        /// Undoes <see cref="Unlink"/>; in the reverse order of those, for the neighbours are remembered.
        /// </summary>
        public void Relink()
        {
            Previous!.Next = this;
            if (Next is not null)
            {
                Next.Previous = this;
            }
        }
    }

    /// <summary>
    /// The same operations placed, the same value left: what can follow is the same whatever their order.
    /// </summary>
    private readonly struct TriedState(ulong[] placed, long value) : IEquatable<TriedState>
    {
        private readonly ulong[] _placed = placed;
        private readonly long _value = value;

        public bool Equals(TriedState other) => _value == other._value && _placed.AsSpan().SequenceEqual(other._placed);

        public override bool Equals(object? obj) => obj is TriedState other && Equals(other);

        public override int GetHashCode()
        {
            var hash = new HashCode();
            hash.Add(_value);
            hash.AddBytes(System.Runtime.InteropServices.MemoryMarshal.AsBytes(_placed.AsSpan()));
            return hash.ToHashCode();
        }
    }
}

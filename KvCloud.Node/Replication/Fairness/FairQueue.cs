using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace KvCloud.Node.Replication.Fairness;

/// <summary>
/// Items of several callers, in an order in which nobody waits for everything that somebody else has queued: callers
/// take turns, each for about <see cref="TurnBytes"/>, and of one caller its connections do, item by item. Items of one
/// connection keep their order. Not thread-safe, and no more than its calls decide the order.
/// </summary>
/// <remarks>
/// Turns are counted in bytes by deficit round robin (Shreedhar and Varghese, 1995): a caller whose next item is larger
/// than what is left of its turn waits for the next one and keeps what is left. So large items cost their sender turns.
/// </remarks>
/// <param name="mustWait">
/// Whether items of the caller must not be taken now; null where none ever must. Asked whenever one could be.
/// </param>
internal sealed class FairQueue<T>(Func<object, bool>? mustWait = null)
    where T : class
{
    /// <summary>About forty small writes.</summary>
    public const int TurnBytes = 4 * 1024;

    /// <summary>What an item costs beside its bytes, so that empty ones are not free.</summary>
    private const int ItemBytes = 64;

    private readonly Dictionary<object, FlowLane> _lanes = new(ReferenceEqualityComparer.Instance);
    private readonly Queue<FlowLane> _turns = [];
    private readonly Stack<FlowLane> _spareLanes = [];
    private readonly Stack<Queue<Entry>> _spareQueues = [];

    /// <summary>Whether the caller at the front has been given what its turn is worth.</summary>
    private bool _hasBegun;

    /// <summary>At the front, and chosen: whether its caller has to wait is not asked again.</summary>
    private FlowLane? _peeked;

    private readonly record struct Entry(T Item, object Connection, int Bytes);

    public int Count { get; private set; }

    public long Bytes { get; private set; }

    public void Enqueue(T item, object flow, object connection, int bytes)
    {
        ref FlowLane? lane = ref CollectionsMarshal.GetValueRefOrAddDefault(_lanes, flow, out bool isThere);
        if (!isThere)
        {
            lane = _spareLanes.TryPop(out FlowLane? spare) ? spare : new FlowLane();
            lane.Flow = flow;
            _turns.Enqueue(lane);
        }

        lane!.Enqueue(new Entry(item, connection, bytes), _spareQueues);
        Count++;
        Bytes += bytes;
    }

    /// <summary>Items, and their bytes, that could be taken now.</summary>
    public (int Count, long Bytes) Ready()
    {
        if (mustWait is null)
        {
            return (Count, Bytes);
        }

        int count = Count;
        long bytes = Bytes;
        foreach (FlowLane lane in _turns)
        {
            if (mustWait(lane.Flow!))
            {
                count -= lane.Count;
                bytes -= lane.Bytes;
            }
        }

        return (count, bytes);
    }

    /// <summary>
    /// The item whose turn it is; it stays so until it is taken. False if there is none, or all callers have to wait.
    /// </summary>
    public bool TryPeek([NotNullWhen(true)] out T? item)
    {
        _peeked ??= FrontLane();
        item = _peeked?.Next.Item;
        return item is not null;
    }

    /// <summary>Takes the item whose turn it is.</summary>
    public bool TryDequeue([NotNullWhen(true)] out T? item)
    {
        if ((_peeked ?? FrontLane()) is not { } lane)
        {
            item = null;
            return false;
        }

        _peeked = null;
        Entry entry = lane.Dequeue(_spareQueues);
        if (_turns.Count > 1)
        {
            // Nobody owes anything for turns that nobody else wanted.
            lane.Credit -= entry.Bytes + ItemBytes;
        }

        Count--;
        Bytes -= entry.Bytes;
        if (lane.IsEmpty)
        {
            Retire(_turns.Dequeue());
        }

        item = entry.Item;
        return true;
    }

    /// <summary>Takes all that match out of the queue; the others keep their order.</summary>
    public List<T> RemoveAll(Predicate<T> match)
    {
        List<T> removed = [];
        for (int left = _turns.Count; left > 0; left--)
        {
            FlowLane lane = _turns.Dequeue();
            foreach (Entry entry in lane.RemoveAll(match, _spareQueues))
            {
                removed.Add(entry.Item);
                Count--;
                Bytes -= entry.Bytes;
            }

            if (lane.IsEmpty)
            {
                Retire(lane);
            }
            else
            {
                _turns.Enqueue(lane);
            }
        }

        // Whoever is at the front now begins a turn.
        _peeked = null;
        _hasBegun = false;
        return removed;
    }

    private FlowLane? FrontLane()
    {
        int passed = 0;
        while (passed < _turns.Count)
        {
            FlowLane lane = _turns.Peek();
            if (mustWait?.Invoke(lane.Flow!) == true)
            {
                _turns.Enqueue(_turns.Dequeue());
                _hasBegun = false;
                passed++;
                continue;
            }

            if (!_hasBegun)
            {
                _hasBegun = true;
                lane.Credit += TurnBytes;
            }

            if (_turns.Count == 1 || lane.Credit >= lane.Next.Bytes + ItemBytes)
            {
                return lane;
            }

            _turns.Enqueue(_turns.Dequeue());
            _hasBegun = false;
            passed = 0;
        }

        return null;
    }

    private void Retire(FlowLane lane)
    {
        _lanes.Remove(lane.Flow!);
        lane.Flow = null;
        lane.Credit = 0;
        _spareLanes.Push(lane);
        _hasBegun = false;
    }

    /// <summary>What one caller has queued, a queue for each of its connections.</summary>
    private sealed class FlowLane
    {
        private readonly Dictionary<object, Queue<Entry>> _queues = new(ReferenceEqualityComparer.Instance);
        private readonly Queue<Queue<Entry>> _turns = [];

        public object? Flow { get; set; }

        /// <summary>Bytes that are left of the turns so far.</summary>
        public long Credit { get; set; }

        public int Count { get; private set; }

        public long Bytes { get; private set; }

        public bool IsEmpty => _turns.Count == 0;

        public Entry Next => _turns.Peek().Peek();

        public void Enqueue(in Entry entry, Stack<Queue<Entry>> spares)
        {
            ref Queue<Entry>? queue = ref CollectionsMarshal.GetValueRefOrAddDefault(
                _queues, entry.Connection, out bool isThere);
            if (!isThere)
            {
                queue = spares.TryPop(out Queue<Entry>? spare) ? spare : [];
                _turns.Enqueue(queue);
            }

            queue!.Enqueue(entry);
            Count++;
            Bytes += entry.Bytes;
        }

        public Entry Dequeue(Stack<Queue<Entry>> spares)
        {
            Queue<Entry> queue = _turns.Dequeue();
            Entry entry = queue.Dequeue();
            Count--;
            Bytes -= entry.Bytes;
            Keep(queue, entry.Connection, spares);
            return entry;
        }

        public List<Entry> RemoveAll(Predicate<T> match, Stack<Queue<Entry>> spares)
        {
            List<Entry> removed = [];
            for (int left = _turns.Count; left > 0; left--)
            {
                Queue<Entry> queue = _turns.Dequeue();
                object connection = queue.Peek().Connection;
                for (int entries = queue.Count; entries > 0; entries--)
                {
                    Entry entry = queue.Dequeue();
                    if (match(entry.Item))
                    {
                        removed.Add(entry);
                        Count--;
                        Bytes -= entry.Bytes;
                    }
                    else
                    {
                        queue.Enqueue(entry);
                    }
                }

                Keep(queue, connection, spares);
            }

            return removed;
        }

        private void Keep(Queue<Entry> queue, object connection, Stack<Queue<Entry>> spares)
        {
            if (queue.Count > 0)
            {
                _turns.Enqueue(queue);
                return;
            }

            _queues.Remove(connection);
            spares.Push(queue);
        }
    }
}

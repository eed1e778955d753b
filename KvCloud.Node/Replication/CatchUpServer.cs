using KvCloud.Consensus;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Replication;

/// <summary>
/// Serves replicas that are behind from this node's log. Only the latest request of each replica counts.
/// </summary>
internal sealed class CatchUpServer(NodeId self, IPaxosLog log, IConsensusTransport transport, int chunkBytes) : IWork
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<int, CatchUpOrder> _orders = [];
    private CatchUpOrder _order;
    private CatchUpReply? _reply;

    /// <summary>Called with each order, on the thread of the step.</summary>
    public Action<CatchUpOrder>? OnOrder { get; set; }

    public int MaxSleepMs => Timeout.Infinite;

    /// <summary>Queues a request; it replaces an earlier one of the same replica.</summary>
    public void Enqueue(CatchUpOrder order)
    {
        OnOrder?.Invoke(order);
        lock (_gate)
        {
            _orders[order.To.Value] = order;
        }
    }

    public bool IsDue(RunReason reason)
    {
        lock (_gate)
        {
            return _orders.Count > 0;
        }
    }

    public bool TryBegin(RunReason reason)
    {
        lock (_gate)
        {
            if (_orders.Count == 0)
            {
                return false;
            }

            // Round robin: continue after the replica served last, so that none starves.
            int next = _orders.Keys.FirstOrDefault(node => node > _order.To.Value, _orders.Keys.First());
            _orders.Remove(next, out _order);
            return true;
        }
    }

    public void Execute()
    {
        var entries = new List<LogEntry>();
        Slot next = _order.FromSlot;

        // A slot that the log has not recorded as chosen may hold a value that was not chosen, whose replacement is
        // still being written.
        var last = Slot.Min(_order.ToSlot, log.ChosenSlot);
        foreach (LogEntry entry in Read(_order.FromSlot, last))
        {
            if (entry.Slot != next)
            {
                break;
            }

            entries.Add(entry);
            next = next.Next;
        }

        _reply = new CatchUpReply(self, _order.To, log.FirstSlot, _order.ToSlot, entries);
    }

    public FollowUp Complete()
    {
        transport.Send([_reply!]);
        _reply = null;
        return default;
    }

    public void Abandon()
    {
    }

    /// <summary>
    /// Returns no entries when the disk cannot be read at the moment, for example for lack of a file handle; the
    /// replica that is behind asks again.
    /// </summary>
    private IReadOnlyList<LogEntry> Read(Slot from, Slot to)
    {
        try
        {
            return log.Read(from, to, chunkBytes);
        }
        catch (LogUnreadableException)
        {
            return [];
        }
    }
}

using KvCloud.Consensus;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Replication;

/// <summary>Serves replicas that are behind from this one's log, the latest request of each.</summary>
internal sealed class CatchUpServer(NodeId self, IPaxosLog log, IConsensusTransport transport, int chunkBytes) : IWork
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<int, CatchUpOrder> _orders = [];
    private CatchUpOrder _order;
    private CatchUpReply? _reply;

    /// <summary>Hears of each order. On the thread of the step.</summary>
    public Action<CatchUpOrder>? OnOrder { get; set; }

    public int MaxSleepMs => Timeout.Infinite;

    /// <summary>To be served soon; what the same replica asked for before is not served any more.</summary>
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

            // After the one that was served last, so that nobody waits for ever.
            int next = _orders.Keys.FirstOrDefault(node => node > _order.To.Value, _orders.Keys.First());
            _orders.Remove(next, out _order);
            return true;
        }
    }

    public void Execute()
    {
        var entries = new List<LogEntry>();
        Slot next = _order.FromSlot;

        // What the log has not noted as chosen may still be a value that lost, whose replacement is on its way to disk.
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
    /// Nothing where the disk does not let read for the moment, as without a free file handle: whoever is behind asks
    /// again.
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

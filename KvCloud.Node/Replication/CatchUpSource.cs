using KvCloud.Consensus;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Replication;

/// <summary>Serves replicas that are behind from this one's log, on the thread pool: it reads the disk.</summary>
internal sealed class CatchUpSource(NodeId self, IPaxosLog log, IConsensusTransport transport, Action<Exception> onFatal)
{
    private const int ChunkBytes = 1024 * 1024;

    /// <summary>Begins with the order and returns at once.</summary>
    public void Start(CatchUpOrder order) => ThreadPool.UnsafeQueueUserWorkItem(_ => Send(order), null);

    private void Send(CatchUpOrder order)
    {
        try
        {
            var entries = new List<LogEntry>();
            Slot next = order.FromSlot;

            // What the log has not noted as chosen may still be a value that lost, whose replacement is on its way to disk.
            Slot last = Slot.Min(order.ToSlot, log.ChosenSlot);
            foreach (LogEntry entry in log.Read(order.FromSlot, last, ChunkBytes))
            {
                if (entry.Slot != next)
                {
                    break;
                }

                entries.Add(entry);
                next = next.Next;
            }

            transport.Send([new CatchUpReply(self, order.To, log.FirstSlot, order.ToSlot, entries)]);
        }
        catch (Exception exception)
        {
            onFatal(exception);
        }
    }
}

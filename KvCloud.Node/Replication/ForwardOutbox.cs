using KvCloud.Consensus;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Replication;

/// <summary>
/// Takes messages from threads that must not wait, and sends all that have come together in one go: under load many
/// writes share a system call.
/// </summary>
internal sealed class ForwardOutbox(IConsensusTransport transport) : IThreadPoolWorkItem
{
    private readonly Lock _gate = new();
    private List<Message> _filling = [];
    private List<Message> _sending = [];
    private bool _isScheduled;

    public void Post(Message message)
    {
        lock (_gate)
        {
            _filling.Add(message);
            if (_isScheduled)
            {
                return;
            }

            _isScheduled = true;
        }

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    void IThreadPoolWorkItem.Execute()
    {
        while (true)
        {
            lock (_gate)
            {
                if (_filling.Count == 0)
                {
                    _isScheduled = false;
                    return;
                }

                (_filling, _sending) = (_sending, _filling);
            }

            transport.Send(_sending);
            _sending.Clear();
        }
    }
}

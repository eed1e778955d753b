using KvCloud.Consensus;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Replication;

/// <summary>
/// Takes messages from threads that must not block, and sends all queued messages together: under load many forwarded
/// writes share a system call.
/// </summary>
internal sealed class ForwardSender(IConsensusTransport transport, Action onAbandon) : IWork
{
    private readonly Lock _gate = new();
    private List<Message> _filling = [];
    private List<Message> _sending = [];

    public int MaxSleepMs => Timeout.Infinite;

    /// <summary>Queues a message. The caller must wake the worker afterwards.</summary>
    public void Post(Message message)
    {
        lock (_gate)
        {
            _filling.Add(message);
        }
    }

    public bool IsDue(RunReason reason)
    {
        lock (_gate)
        {
            return _filling.Count > 0;
        }
    }

    public bool TryBegin(RunReason reason)
    {
        lock (_gate)
        {
            (_filling, _sending) = (_sending, _filling);
            return _sending.Count > 0;
        }
    }

    public void Execute()
    {
    }

    public FollowUp Complete()
    {
        transport.Send(_sending);
        _sending.Clear();
        return default;
    }

    /// <summary>Queued messages are not sent, and no answer is expected any more.</summary>
    public void Abandon() => onAbandon();
}

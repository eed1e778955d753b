using KvCloud.Consensus;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Replication;

/// <summary>
/// Makes log writes durable: one write and one fsync for all waiting effects, in order. Only then does it release the
/// messages that depend on them: those for peers are sent, those of this node to itself return to the consensus worker.
/// </summary>
internal sealed class LogWriter(
    NodeId self,
    IPaxosLog log,
    IConsensusTransport transport,
    DriverInbox inbox,
    IReplicaRuntime runtime,
    SlotTraces traces) : IWork
{
    /// <summary>
    /// Writing up to this many bytes costs little beyond the disk's sync; a thread switch costs about as much.
    /// </summary>
    private const int SmallWriteBytes = 4 * 1024;

    // Used by the current run only.
    private readonly List<Effects> _writes = [];
    private readonly List<Message> _forPeers = [];
    private readonly List<Message> _forSelf = [];
    private List<Effects> _taken = [];

    private readonly Lock _gate = new();

    // Guarded by the gate.
    private List<Effects> _waiting = [];
    private long _unwrittenSlots;
    private long _unwrittenBytes;
    private long _writingSinceUs;
    private bool _isWanted;
    private bool _isWriting;
    private bool _isClosed;

    /// <summary>Entries that are not on disk yet.</summary>
    public long UnwrittenSlots => Volatile.Read(ref _unwrittenSlots);

    /// <summary>Bytes of the values of those entries.</summary>
    public long UnwrittenBytes => Volatile.Read(ref _unwrittenBytes);

    /// <summary>The lowest slot that the log still has. Any thread.</summary>
    public Slot FirstSlot => log.FirstSlot;

    /// <summary>
    /// <see cref="IReplicaClock.NowUs"/> when the write in progress began; 0 when there is none. Any thread.
    /// </summary>
    public long WritingSinceUs => Volatile.Read(ref _writingSinceUs);

    public int MaxSleepMs => Timeout.Infinite;

    /// <summary>
    /// Queues the write. Effects that only advance the chosen slot wait for the next larger write or for
    /// <see cref="WriteCommitIndex"/>: nobody waits for them, so they are not worth waking a thread.
    /// </summary>
    public Due Write(Effects effects)
    {
        bool isChosenOnly = !effects.MustSync && effects.SendAfterPersist.Count == 0;
        lock (_gate)
        {
            bool isAlone = !_isWanted && !_isWriting;
            _waiting.Add(effects);
            _unwrittenSlots += effects.Append.Count;
            _unwrittenBytes += BytesOf(effects);
            _isWanted |= !isChosenOnly;
            return isChosenOnly ? Due.No : isAlone && IsSmall(effects) ? Due.Inline : Due.OwnThread;
        }
    }

    /// <summary>Makes chosen slots due that have been waiting since the last write. Called periodically.</summary>
    public Due WriteCommitIndex()
    {
        lock (_gate)
        {
            _isWanted |= _waiting.Count > 0;
            return _isWanted ? Due.OwnThread : Due.No;
        }
    }

    /// <summary>Makes all queued writes due from now on.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
        }
    }

    public bool IsDue(RunReason reason)
    {
        lock (_gate)
        {
            return _isWanted || (_isClosed && _waiting.Count > 0);
        }
    }

    public bool TryBegin(RunReason reason)
    {
        lock (_gate)
        {
            if (!_isWanted && !(_isClosed && _waiting.Count > 0))
            {
                return false;
            }

            _isWriting = true;
            Volatile.Write(ref _writingSinceUs, Math.Max(1, runtime.Clock.NowUs));
            _isWanted = false;
            (_taken, _waiting) = (_waiting, _taken);
            return true;
        }
    }

    public void Execute()
    {
        int slots = 0;
        foreach (Effects effects in _taken)
        {
            if (effects.HasLogWrite)
            {
                _writes.Add(effects);
                slots += effects.Append.Count;
            }

            foreach (Message message in effects.SendAfterPersist)
            {
                (message.To == self ? _forSelf : _forPeers).Add(message);
            }
        }

        if (_writes.Count > 0)
        {
            DateTime started = traces.Now();
            long startedUs = runtime.Clock.NowUs;
            log.Write(_writes);
            traces.LogSynced(_writes, started);
            runtime.Metrics?.LogSynced(runtime.Clock.NowUs - startedUs, slots);
        }
    }

    public FollowUp Complete()
    {
        if (_forPeers.Count > 0)
        {
            transport.Send(_forPeers);
        }

        Due consensus = Due.No;
        if (_forSelf.Count > 0)
        {
            inbox.Post(_forSelf);
            consensus = Due.Inline;
        }

        lock (_gate)
        {
            foreach (Effects effects in _writes)
            {
                _unwrittenSlots -= effects.Append.Count;
                _unwrittenBytes -= BytesOf(effects);
            }

            _isWriting = false;
            Volatile.Write(ref _writingSinceUs, 0);
        }

        _taken.Clear();
        _writes.Clear();
        _forPeers.Clear();
        _forSelf.Clear();
        return new FollowUp(consensus, Due.No, Due.No);
    }

    /// <summary>
    /// Nobody waits for the log itself; the messages that its writes would have released are never sent.
    /// </summary>
    public void Abandon()
    {
    }

    private static bool IsSmall(Effects effects) => BytesOf(effects) <= SmallWriteBytes;

    private static long BytesOf(Effects effects)
    {
        long bytes = 0;
        foreach (LogEntry entry in effects.Append)
        {
            bytes += entry.Value.Payload.Length;
        }

        return bytes;
    }
}

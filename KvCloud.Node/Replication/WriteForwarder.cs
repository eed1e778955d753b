using System.Collections.Concurrent;
using System.Diagnostics;
using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication.Fairness;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.Telemetry;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Replication;

/// <summary>
/// Forwards writes from a follower to the leader, and the answers back, over the connections between replicas. Contains
/// both halves: the writes this node has forwarded, and the writes that peers have forwarded to it.
/// </summary>
/// <remarks>
/// An answer is never wrong. A write that has left this node may take effect, so any failure after that is answered
/// OUTCOME_UNKNOWN. Only the leader's own answer that nothing was done (NOT_LEADER) allows the write to be routed
/// again, and a write is with one node at a time. A write from a peer goes to this node's consensus or is refused; it
/// is never forwarded again, so it cannot travel in a circle. The command's bytes are those of the client: its client
/// id and sequence pass through unchanged.
/// </remarks>
internal sealed class WriteForwarder
{
    private const int SweepEveryMs = 20;

    /// <summary>
    /// When a deadline passes the leader knows more than this node, so it gets this much longer to answer.
    /// </summary>
    private const int DeadlineGraceMs = 100;

    /// <summary>How long an answer may be held back until this node's own reads show the write.</summary>
    private const int ReadYourWritesWaitMs = 1000;

    private readonly NodeId _self;
    private readonly ConsensusDriver _driver;
    private readonly IConsensusTransport _transport;
    private readonly ReplicationOptions _options;
    private readonly IReplicaClock _clock;
    private readonly IWorkers _workers;
    private readonly Lock _gate = new();
    private readonly SortedDictionary<long, PendingForward> _pending = [];
    private readonly List<PendingForward> _refused = [];
    private readonly ConcurrentDictionary<NodeId, Flow> _peers = new();
    private HeldWrites _held;
    private long _lastId;
    private long _nextSweepMs;
    private bool _isStopped;

    public WriteForwarder(
        NodeId self,
        ConsensusDriver driver,
        IConsensusTransport transport,
        ReplicationOptions options,
        IReplicaRuntime runtime,
        IWorkers workers)
    {
        _self = self;
        _driver = driver;
        _transport = transport;
        _options = options;
        _clock = runtime.Clock;
        _workers = workers;
        _lastId = runtime.NextUniqueId();
        Flows = new WriteFlows(_clock);
        Sender = new ForwardSender(transport, Stop);
    }

    public ForwardSender Sender { get; }

    /// <summary>Whose writes this node has, its clients' and those that peers forward.</summary>
    public WriteFlows Flows { get; }

    /// <summary>Writes that this node has forwarded and that are not answered.</summary>
    public int PendingCount
    {
        get
        {
            lock (_gate)
            {
                return _pending.Count + _refused.Count;
            }
        }
    }

    /// <summary>
    /// Sends a write to the current leader, which may by now be this node. Refuses it when no leader can be reached.
    /// </summary>
    /// <param name="awaitVisible">Calls back when the version is readable here, or the deadline has passed. The answer
    /// is held back until then, so that a client that wrote through this node also reads its write here.</param>
    public void Write(PendingWrite write, Action<CommitVersion, long, Action> awaitVisible) =>
        Route(new PendingForward(write, awaitVisible));

    /// <summary>Handles messages from peers; ignores all but Forward and ForwardReply.</summary>
    public void Receive(IReadOnlyList<Message> messages)
    {
        for (int i = 0; i < messages.Count; i++)
        {
            if (messages[i] is Forward forward)
            {
                Flow peer = FlowOf(forward.From);
                Flow? origin = forward.Origin.Length > 0 ? Flows.Rent(forward.Origin) : null;
                _driver.Write(new PeerWrite(this, forward, origin)
                {
                    Command = forward.Command,
                    DeadlineMs = _clock.NowMs + forward.TimeoutMs,
                    Flow = origin ?? peer,
                    Connection = peer,
                    Span = PendingForward.StartSpan(ActivityKind.Server, forward.Trace, _self, forward.From),
                });
            }
            else if (messages[i] is ForwardReply reply)
            {
                TakeReply(reply);
            }
        }
    }

    /// <summary>
    /// Answers writes that can no longer get an answer, and routes writes again that were refused without effect.
    /// Called at every tick.
    /// </summary>
    public void Sweep(long nowMs)
    {
        Flows.ForgetIdle(nowMs);
        List<(long Id, PendingForward Forward, string Why)> unknown = [];
        PendingForward[] refused;
        lock (_gate)
        {
            if (_isStopped || nowMs < _nextSweepMs || (_pending.Count == 0 && _refused.Count == 0))
            {
                return;
            }

            _nextSweepMs = nowMs + SweepEveryMs;
            foreach ((long id, PendingForward forward) in _pending)
            {
                if (WhyLost(forward, nowMs) is string why)
                {
                    unknown.Add((id, forward, why));
                }
            }

            foreach ((long id, PendingForward forward, _) in unknown)
            {
                Forget(id, forward);
            }

            refused = [.. _refused];
            _refused.Clear();
        }

        foreach ((_, PendingForward forward, string why) in unknown)
        {
            forward.EndSpan(KvStatus.OutcomeUnknown);
            forward.Write.Finish(Unknown(why));
        }

        foreach (PendingForward forward in refused)
        {
            Route(forward);
        }
    }

    /// <summary>
    /// Answers every waiting write: the replica has failed or its transport has ended, so that no answer can arrive.
    /// </summary>
    public void Stop()
    {
        PendingForward[] left;
        PendingForward[] refused;
        lock (_gate)
        {
            _isStopped = true;
            left = [.. _pending.Values];
            refused = [.. _refused];
            foreach (long id in _pending.Keys.ToArray())
            {
                Forget(id, _pending[id]);
            }

            _refused.Clear();
        }

        foreach (PendingForward forward in left)
        {
            forward.EndSpan(KvStatus.OutcomeUnknown);
            forward.Write.Finish(Unknown("this node stopped while the leader had the write"));
        }

        foreach (PendingForward forward in refused)
        {
            forward.Write.Finish(Stopping);
        }
    }

    private static CommandResult Stopping =>
        new(KvStatus.ShuttingDown, Message: "the node is stopping; nothing was written");

    private static CommandResult TooLate =>
        new(KvStatus.Timeout, Message: "the deadline passed before a leader took the write; nothing was written");

    private static CommandResult Unknown(string what) =>
        new(KvStatus.OutcomeUnknown, Message: $"{what}: it may or may not take effect");

    private static CommandResult NoLeader(string why) =>
        new(KvStatus.NoLeader, Message: $"{why}; nothing was written");

    private void Route(PendingForward forward)
    {
        ReplicaStatus status = _driver.Status;
        if (status.Role == Role.Leader)
        {
            _driver.Write(forward.Write);
            return;
        }

        if (status.Leader is not NodeId leader || leader == _self)
        {
            forward.Write.Finish(NoLeader("no leader is known at the moment"));
            return;
        }

        LinkState link = _transport.StateOf(leader);
        if (!link.IsConnected)
        {
            forward.Write.Finish(NoLeader($"the leader, {leader}, cannot be reached from this node"));
            return;
        }

        long leftMs = forward.Write.DeadlineMs - _clock.NowMs;
        if (leftMs <= 0)
        {
            forward.Write.Finish(TooLate);
        }
        else if (Note(forward, leader, link.LossEpoch) is long id)
        {
            Post(new Forward(
                _self,
                leader,
                id,
                (int)Math.Min(leftMs, int.MaxValue),
                forward.Write.Command,
                forward.Span?.Context ?? default,
                forward.Write.Flow?.Name ?? ""));
        }
    }

    private void Post(Message message)
    {
        Sender.Post(message);
        _workers.Wake(Station.Forward);
    }

    /// <summary>Registers the write and returns the id to send it under; null when it was refused here.</summary>
    private long? Note(PendingForward forward, NodeId leader, long lossEpoch)
    {
        CommandResult refusal;
        lock (_gate)
        {
            HeldWrites own = forward.Write.Flow?.Forwarded ?? default;
            CommandResult? full = _held.FindFull(
                _options.MaxQueuedWrites,
                _options.MaxQueuedWriteBytes,
                forward.Write.Flow,
                in own,
                "wait for the leader's answer");
            if (!_isStopped && full is null)
            {
                forward.Leader = leader;
                forward.LossEpoch = lossEpoch;
                forward.StartSpan(_self);
                _pending.Add(++_lastId, forward);
                _held.Add(forward.Write);
                forward.Write.Flow?.Forwarded.Add(forward.Write);
                return _lastId;
            }

            refusal = _isStopped ? Stopping : full!.Value;
        }

        forward.Write.Finish(refusal);
        return null;
    }

    private void TakeReply(ForwardReply reply)
    {
        PendingForward? forward;
        lock (_gate)
        {
            if (!_pending.TryGetValue(reply.Id, out forward) || forward.Leader != reply.From)
            {
                // Already answered, by its deadline or because the connection broke.
                return;
            }

            Forget(reply.Id, forward);
        }

        if (!CommandResultCodec.TryDecode(reply.Result, out CommandResult result, out string? error))
        {
            forward.EndSpan(KvStatus.OutcomeUnknown);
            forward.Write.Finish(Unknown(error));
            return;
        }

        forward.EndSpan(result.Code);
        if (result.Code == KvStatus.NotLeader)
        {
            RouteLater(forward);
        }
        else if (result.Code == KvStatus.Ok)
        {
            long deadlineMs = Math.Min(forward.Write.DeadlineMs, _clock.NowMs + ReadYourWritesWaitMs);
            forward.AwaitVisible(result.Version, deadlineMs, () => forward.Write.Finish(result));
        }
        else
        {
            forward.Write.Finish(result);
        }
    }

    /// <summary>
    /// Nothing was done, and this node will soon know the leader that its peer follows: the next sweep sends the write
    /// there.
    /// </summary>
    private void RouteLater(PendingForward forward)
    {
        lock (_gate)
        {
            if (!_isStopped)
            {
                _refused.Add(forward);
                return;
            }
        }

        forward.Write.Finish(Stopping);
    }

    private string? WhyLost(PendingForward forward, long nowMs) =>
        nowMs >= forward.Write.DeadlineMs + DeadlineGraceMs
            ? "the deadline passed while the leader had the write"
            : _transport.StateOf(forward.Leader).LossEpoch != forward.LossEpoch
                ? "the connection to the leader broke while it had the write"
                : null;

    /// <summary>
    /// Peers of a release that does not say whose writes it forwards call as themselves, and write of their own accord.
    /// </summary>
    private Flow FlowOf(NodeId peer) => _peers.GetOrAdd(peer, static id => new Flow($"peer {id}")
    {
        MaxProposedWrites = 1024,
        MaxProposedBytes = 1024 * 1024,
    });

    private void Forget(long id, PendingForward forward)
    {
        _pending.Remove(id);
        _held.Remove(forward.Write);
        forward.Write.Flow?.Forwarded.Remove(forward.Write);
    }

    /// <summary>A write that a peer forwarded to this node.</summary>
    private sealed class PeerWrite(WriteForwarder owner, Forward forward, Flow? origin) : PendingWrite
    {
        protected override void Complete(in CommandResult result)
        {
            if (origin is not null)
            {
                owner.Flows.Return(origin);
            }

            owner.Post(new ForwardReply(owner._self, forward.From, forward.Id, CommandResultCodec.Encode(in result)));
            if (Span is { } span)
            {
                NodeTracing.End(span, result.Code.ToErrorName());
            }
        }
    }
}

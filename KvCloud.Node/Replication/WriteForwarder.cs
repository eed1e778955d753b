using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.State;
using KvCloud.Node.Tracing;
using KvCloud.Node.Transport;
using KvCloud.Protocol;

namespace KvCloud.Node.Replication;

/// <summary>
/// Passes writes from a follower to the leader and their answers back, over the connections between replicas. Both
/// halves are here: what this node has passed on and waits for, and what peers have passed to it.
/// </summary>
/// <remarks>
/// An answer is never false. What has left this node may take effect, so whatever breaks then is OUTCOME_UNKNOWN. Only
/// the leader's own word that nothing was done (NOT_LEADER) lets the write be routed anew, and a write is with one
/// node at a time. What comes from a peer goes to this node's consensus or is refused; it is never passed on, so nothing runs
/// in a ring. The command's bytes are the client's: its client id and sequence go through untouched.
/// </remarks>
internal sealed class WriteForwarder : IAsyncDisposable
{
    private const int SweepMs = 20;

    /// <summary>The leader knows more than this node when a deadline passes, and so gets to say it.</summary>
    private const int DeadlineGraceMs = 100;

    /// <summary>How long an answer may be held back until this node's own reads show the write.</summary>
    private const int VisibleWaitMs = 1000;

    private readonly NodeId _self;
    private readonly ConsensusDriver _driver;
    private readonly IConsensusTransport _transport;
    private readonly ReplicationOptions _options;
    private readonly ForwardOutbox _outbox;
    private readonly Lock _gate = new();
    private readonly Dictionary<long, PassedWrite> _passed = [];
    private readonly List<PassedWrite> _refused = [];
    private readonly HashSet<Task> _showing = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Timer _timer;
    private long _passedBytes;
    private long _lastId = BitConverter.ToInt64(RandomNumberGenerator.GetBytes(sizeof(long)));
    private bool _isSweeping;
    private bool _isStopped;

    public WriteForwarder(
        NodeId self, ConsensusDriver driver, IConsensusTransport transport, ReplicationOptions options)
    {
        _self = self;
        _driver = driver;
        _transport = transport;
        _options = options;
        _outbox = new ForwardOutbox(transport);
        _timer = new Timer(
            static forwarder => ((WriteForwarder)forwarder!).Sweep(), this, Timeout.Infinite, Timeout.Infinite);
    }

    /// <summary>Waits until a version is readable on this node, or gives up by the deadline.</summary>
    public delegate Task VisibleWait(CommitVersion version, long deadlineTickMs, CancellationToken cancellationToken);

    /// <summary>Writes that this node has passed on and not answered.</summary>
    public int PassedCount
    {
        get
        {
            lock (_gate)
            {
                return _passed.Count + _refused.Count;
            }
        }
    }

    /// <summary>
    /// Sends a write to wherever the leader is, which may be here by now. Refuses what can be sent nowhere.
    /// </summary>
    /// <param name="visible">
    /// Holds the answer back until whoever wrote through this node also reads the write here.
    /// </param>
    public void Write(PendingWrite write, VisibleWait visible) => Route(new PassedWrite(write, visible));

    /// <summary>Messages of peers; those that are neither Forward nor ForwardReply are not meant.</summary>
    public void Receive(IReadOnlyList<Message> messages)
    {
        for (int i = 0; i < messages.Count; i++)
        {
            if (messages[i] is Forward forward)
            {
                _driver.Write(new PeerWrite(this, forward)
                {
                    Command = forward.Command,
                    DeadlineTickMs = Environment.TickCount64 + forward.TimeoutMs,
                    Span = PassedWrite.StartSpan(ActivityKind.Server, forward.Trace, _self, forward.From),
                });
            }
            else if (messages[i] is ForwardReply reply)
            {
                TakeReply(reply);
            }
        }
    }

    /// <summary>
    /// Answers all that waits. The transport must have ended before, so that no answer comes any more.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        PassedWrite[] left;
        PassedWrite[] refused;
        Task[] showing;
        lock (_gate)
        {
            if (_isStopped)
            {
                return;
            }

            _isStopped = true;
            left = [.. _passed.Values];
            refused = [.. _refused];
            showing = [.. _showing];
            _passed.Clear();
            _refused.Clear();
        }

        await _timer.DisposeAsync().ConfigureAwait(false);
        foreach (PassedWrite passed in left)
        {
            passed.EndSpan(ErrorCode.OUTCOME_UNKNOWN);
            passed.Write.Finish(Unknown("this node stopped while the leader had the write"));
        }

        foreach (PassedWrite passed in refused)
        {
            passed.Write.Finish(Stopping);
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(showing).ConfigureAwait(false);
        _stop.Dispose();
    }

    private static CommandResult Stopping =>
        new(ErrorCode.SHUTTING_DOWN, Message: "the node is stopping; nothing was written");

    private static CommandResult TooLate =>
        new(ErrorCode.TIMEOUT, Message: "the deadline passed before a leader took the write; nothing was written");

    private static CommandResult Unknown(string what) =>
        new(ErrorCode.OUTCOME_UNKNOWN, Message: $"{what}: it may or may not take effect");

    private static CommandResult NoLeader(string why) =>
        new(ErrorCode.NO_LEADER, Message: $"{why}; nothing was written");

    private void Route(PassedWrite passed)
    {
        ReplicaStatus status = _driver.Status;
        if (status.Role == Role.Leader)
        {
            _driver.Write(passed.Write);
            return;
        }

        if (status.Leader is not NodeId leader || leader == _self)
        {
            passed.Write.Finish(NoLeader("no leader is known at the moment"));
            return;
        }

        LinkState link = _transport.StateOf(leader);
        if (!link.IsConnected)
        {
            passed.Write.Finish(NoLeader($"{leader} leads and cannot be reached from this node"));
            return;
        }

        long leftMs = passed.Write.DeadlineTickMs - Environment.TickCount64;
        if (leftMs <= 0)
        {
            passed.Write.Finish(TooLate);
        }
        else if (Note(passed, leader, link.LossEpoch) is long id)
        {
            _outbox.Post(new Forward(
                _self,
                leader,
                id,
                (int)Math.Min(leftMs, int.MaxValue),
                passed.Write.Command,
                passed.Span?.Context ?? default));
        }
    }

    /// <summary>Under which number the write goes out; null when it was refused here.</summary>
    private long? Note(PassedWrite passed, NodeId leader, long lossEpoch)
    {
        CommandResult refusal;
        lock (_gate)
        {
            if (!_isStopped && _passed.Count < _options.MaxQueuedWrites && _passedBytes < _options.MaxQueuedWriteBytes)
            {
                passed.Leader = leader;
                passed.LossEpoch = lossEpoch;
                passed.StartSpan(_self);
                _passed.Add(++_lastId, passed);
                _passedBytes += passed.Write.Command.Length;
                KeepSweeping();
                return _lastId;
            }

            refusal = _isStopped
                ? Stopping
                : new CommandResult(
                    ErrorCode.OVERLOADED,
                    Message: "max_queued_writes: too many writes wait for the leader's answer; nothing was written");
        }

        passed.Write.Finish(refusal);
        return null;
    }

    private void TakeReply(ForwardReply reply)
    {
        PassedWrite? passed;
        lock (_gate)
        {
            if (!_passed.TryGetValue(reply.Id, out passed) || passed.Leader != reply.From)
            {
                // Answered by its deadline or by a broken connection.
                return;
            }

            Forget(reply.Id, passed);
        }

        if (!CommandResultCodec.TryDecode(reply.Result, out CommandResult result, out string? error))
        {
            passed.EndSpan(ErrorCode.OUTCOME_UNKNOWN);
            passed.Write.Finish(Unknown(error));
            return;
        }

        passed.EndSpan(result.Code);
        if (result.Code == ErrorCode.NOT_LEADER)
        {
            RouteLater(passed);
        }
        else if (result.Code == ErrorCode.OK)
        {
            Show(passed, result);
        }
        else
        {
            passed.Write.Finish(result);
        }
    }

    /// <summary>
    /// Nothing was done, and soon this node knows as well as its peer who leads: at the next sweep the write goes there.
    /// </summary>
    private void RouteLater(PassedWrite passed)
    {
        lock (_gate)
        {
            if (!_isStopped)
            {
                _refused.Add(passed);
                KeepSweeping();
                return;
            }
        }

        passed.Write.Finish(Stopping);
    }

    [SuppressMessage("Design", "CA1031", Justification = "The write took effect whatever comes of waiting for it.")]
    private void Show(PassedWrite passed, CommandResult result)
    {
        long deadlineTickMs = Math.Min(passed.Write.DeadlineTickMs, Environment.TickCount64 + VisibleWaitMs);
        Task showing = FinishWhenVisibleAsync();
        if (!showing.IsCompleted)
        {
            lock (_gate)
            {
                _showing.Add(showing);
            }

            showing.ContinueWith(Shown, TaskScheduler.Default);
        }

        async Task FinishWhenVisibleAsync()
        {
            try
            {
                await passed.Visible(result.Version, deadlineTickMs, _stop.Token).ConfigureAwait(false);
            }
            catch (Exception)
            {
                // This node stops, or cannot read: its next reads say so themselves. The write is done all the same.
            }

            passed.Write.Finish(result);
        }
    }

    private void Shown(Task showing)
    {
        lock (_gate)
        {
            _showing.Remove(showing);
        }
    }

    /// <summary>
    /// Answers what will get no answer any more, and routes anew what was refused without effect.
    /// </summary>
    private void Sweep()
    {
        List<(PassedWrite Passed, string Why)> unknown = [];
        PassedWrite[] refused;
        lock (_gate)
        {
            if (_isStopped)
            {
                return;
            }

            long nowTickMs = Environment.TickCount64;
            foreach ((long id, PassedWrite passed) in _passed)
            {
                if (WhyLost(passed, nowTickMs) is string why)
                {
                    unknown.Add((passed, why));
                    Forget(id, passed);
                }
            }

            refused = [.. _refused];
            _refused.Clear();
            if (_passed.Count == 0 && refused.Length == 0)
            {
                _isSweeping = false;
                _timer.Change(Timeout.Infinite, Timeout.Infinite);
            }
        }

        foreach ((PassedWrite passed, string why) in unknown)
        {
            passed.EndSpan(ErrorCode.OUTCOME_UNKNOWN);
            passed.Write.Finish(Unknown(why));
        }

        foreach (PassedWrite passed in refused)
        {
            Route(passed);
        }
    }

    private string? WhyLost(PassedWrite passed, long nowTickMs) =>
        nowTickMs >= passed.Write.DeadlineTickMs + DeadlineGraceMs
            ? "the deadline passed while the leader had the write"
            : _transport.StateOf(passed.Leader).LossEpoch != passed.LossEpoch
                ? "the connection to the leader broke while it had the write"
                : null;

    private void Forget(long id, PassedWrite passed)
    {
        _passed.Remove(id);
        _passedBytes -= passed.Write.Command.Length;
    }

    private void KeepSweeping()
    {
        if (!_isSweeping)
        {
            _isSweeping = true;
            _timer.Change(SweepMs, SweepMs);
        }
    }

    /// <summary>A write that a peer has passed to this node.</summary>
    private sealed class PeerWrite(WriteForwarder owner, Forward forward) : PendingWrite
    {
        protected override void Complete(in CommandResult result)
        {
            owner._outbox.Post(
                new ForwardReply(owner._self, forward.From, forward.Id, CommandResultCodec.Encode(in result)));
            if (Span is { } span)
            {
                NodeTracing.End(span, result.Code);
            }
        }
    }
}

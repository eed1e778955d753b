using System.Diagnostics;
using System.Runtime.CompilerServices;
using KvCloud.Client.Connections;
using KvCloud.Client.Diagnostics;
using KvCloud.Client.Topology;
using KvCloud.Client.Wire;
using KvCloud.Protocol;

namespace KvCloud.Client.Calls;

/// <summary>
/// Runs a call to its answer: chooses a node, sends, follows the leader, and retries what may be retried until the
/// deadline. Thread-safe.
/// </summary>
internal sealed class CallEngine : IAsyncDisposable
{
    private const int CallersPerPause = 64;
    private const int LongestSharedPauseMs = 500;

    private readonly ClientOptions _options;
    private readonly TimeProvider _time;
    private readonly ClusterTopology _topology;
    private readonly TopologyKeeper _keeper;
    private readonly SessionPool _sessions;
    private int _waiting;

    public CallEngine(ClientOptions options, ClusterTopology topology, IEndpointSource seeds)
    {
        _options = options;
        _time = options.Time;
        _topology = topology;
        _keeper = new TopologyKeeper(topology, seeds, this, options);
        _sessions = new SessionPool(this, options.Time);
    }

    public TopologyKeeper Keeper => _keeper;

    /// <summary>Runs one call.</summary>
    /// <param name="request">Its arguments.</param>
    /// <param name="target">Where it may run.</param>
    /// <param name="timeoutMs">Time for all attempts; null for the configured one.</param>
    /// <param name="exactlyOnce">For writes: whether to send an identity; null for the configured choice.</param>
    /// <param name="cancellationToken">Cancels the call; a write may still take effect.</param>
    /// <exception cref="KvCloudException">The call did not succeed.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<Reply> CallAsync<TRequest>(
        TRequest request, CallTarget target, int? timeoutMs, bool? exactlyOnce, CancellationToken cancellationToken)
        where TRequest : struct, IRequest
    {
        KvMethod method = TRequest.Method;
        long started = Stopwatch.GetTimestamp();
        long deadline = _time.TickMs() + (timeoutMs ?? _options.TimeoutMs);
        using Activity? activity = ClientTelemetry.StartCall(method);
        var progress = new CallProgress();
        WriteIdentity identity = default;
        Node? node = null;
        ErrorCode outcome = ErrorCode.INTERNAL;
        bool hasLoggedInAgain = false;
        try
        {
            await _keeper.EnsureSeedsAsync(cancellationToken).ConfigureAwait(false);
            bool wantsIdentity = method.IsWrite && (exactlyOnce ?? _options.ExactlyOnce);
            if (wantsIdentity && !_sessions.TryTake(out identity))
            {
                identity = await _sessions.TakeAsync(deadline, cancellationToken).ConfigureAwait(false);
            }

            while (true)
            {
                node = Choose(target, in progress);
                Connector? connector = node.TryGetConnector()
                    ?? await OpenAsync(node, deadline, cancellationToken).ConfigureAwait(false);
                bool isSafeToRepeat = !method.IsWrite || !identity.IsNone;
                Reply reply;
                if (connector is null)
                {
                    reply = Reply.Failed(ReplyStatus.NotSent, node.LastError ?? "no connection");
                }
                else
                {
                    long sent = Stopwatch.GetTimestamp();
                    int seenLogins = connector.Login?.Attempts ?? 0;
                    long attemptDeadline = AttemptDeadline(deadline, isSafeToRepeat);
                    var attempt = new AttemptFields(
                        ServerTimeoutMs(attemptDeadline), identity, activity ?? Activity.Current);
                    reply = await connector.SendAsync(in request, in attempt, attemptDeadline, cancellationToken)
                        .ConfigureAwait(false);
                    Observe(node, in reply, sent, target.LeaderOnly);
                    if (reply.Code == ErrorCode.UNAUTHENTICATED && connector.Login is { } login)
                    {
                        // Nothing was done: with another login the same attempt may be made again.
                        bool isLoggedIn = !hasLoggedInAgain && await login
                            .RunAsync(connector, seenLogins, cancellationToken).ConfigureAwait(false);
                        hasLoggedInAgain = true;
                        if (isLoggedIn)
                        {
                            continue;
                        }

                        reply = login.Explain(in reply);
                    }
                }

                if (!method.IsWrite && reply.Status == ReplyStatus.Answered
                    && ErrorCodes.MayOtherNodeAnswer(reply.Code))
                {
                    node.Deprioritize();
                }

                Verdict verdict = progress.Judge(in reply, node, method, isSafeToRepeat, target);
                if (verdict == Verdict.Done)
                {
                    outcome = ErrorCode.OK;
                    if (progress.MayHaveRun && method.MayLeaveOutcomeUnknown)
                    {
                        ClientTelemetry.ResolvedUnknownOutcome(method);
                    }

                    return reply;
                }

                if (verdict == Verdict.Fail || _keeper.IsClosed)
                {
                    throw Failure(in reply, in progress, method, node);
                }

                ClientTelemetry.Retried(method, progress.LastCode, activity);
                long lastStart = method.IsWrite ? deadline - ReserveMs(timeoutMs ?? _options.TimeoutMs) : deadline;
                await PrepareRetryAsync(verdict, reply, progress, method, lastStart, node, cancellationToken)
                    .ConfigureAwait(false);
                if (verdict == Verdict.RetryInNewSession)
                {
                    identity = await RenewAsync(identity, deadline, cancellationToken).ConfigureAwait(false);
                }
            }
        }
        catch (KvCloudException exception)
        {
            outcome = exception.ErrorCode;
            activity?.SetStatus(ActivityStatusCode.Error, exception.Message);
            throw;
        }
        finally
        {
            identity.Session?.Finish(identity.Sequence);
            ClientTelemetry.Called(method, outcome, started, activity, node, progress.Attempts);
        }
    }

    /// <summary>Ends the background work. Call it once no connection is left.</summary>
    public async ValueTask DisposeAsync()
    {
        await _keeper.DisposeAsync().ConfigureAwait(false);
        _sessions.Dispose();
    }

    private Node Choose(CallTarget target, in CallProgress progress)
    {
        if (target.Pinned is { } pinned)
        {
            return pinned;
        }

        Node? node = target.LeaderOnly
            ? _topology.PickForLeader(progress.Attempts, progress.Avoid)
            : _topology.PickAny(progress.Avoid);
        return node ?? throw new KvCloudException(ErrorCode.NETWORK, "no endpoint of the cluster is known");
    }

    private async ValueTask<Connector?> OpenAsync(Node node, long deadline, CancellationToken cancellationToken)
    {
        long leftMs = deadline - _time.TickMs();
        if (leftMs <= 0)
        {
            return null;
        }

        using var timeout = new CancellationTokenSource(TimeSpan.FromMilliseconds(leftMs), _time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            return await node.OpenAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <summary>When no other attempt may follow, one attempt may use all the time that is left.</summary>
    private long AttemptDeadline(long deadline, bool isSafeToRepeat) =>
        isSafeToRepeat ? Math.Min(deadline, _time.TickMs() + _options.AttemptTimeoutMs) : deadline;

    /// <summary>A little less than this side waits, so that the server's own timeout answer arrives in time.</summary>
    private int ServerTimeoutMs(long attemptDeadline)
    {
        int leftMs = (int)Math.Max(1, attemptDeadline - _time.TickMs());
        return Math.Max(1, leftMs - Math.Min(100, leftMs / 5));
    }

    private void Observe(Node node, in Reply reply, long sentTimestamp, bool leaderOnly)
    {
        double elapsedMs = Stopwatch.GetElapsedTime(sentTimestamp).TotalMilliseconds;
        switch (reply.Status)
        {
            case ReplyStatus.Answered:
                node.ReportAnswer(elapsedMs);
                break;
            case ReplyStatus.TimedOut:
                node.ReportTimeout(elapsedMs);
                _topology.ForgetLeader(node);
                _keeper.RequestRefresh();
                return;
            case ReplyStatus.Lost or ReplyStatus.NotSent:
                _keeper.RequestRefresh();
                return;
            default:
                return;
        }

        if (reply.Code == ErrorCode.NOT_LEADER)
        {
            Follow(node, reply.LeaderEndpoint);
        }
        else if (leaderOnly && !ErrorCodes.IsRefusal(reply.Code))
        {
            _topology.ConfirmLeader(node);
        }
        else if (reply.Code is ErrorCode.NO_LEADER or ErrorCode.SHUTTING_DOWN)
        {
            _topology.ForgetLeader(node);
        }
    }

    private void Follow(Node node, string? leaderEndpoint)
    {
        _topology.ForgetLeader(node);
        if (leaderEndpoint is { Length: > 0 } && leaderEndpoint != node.Name)
        {
            _topology.SetLeader(leaderEndpoint);
        }
    }

    /// <summary>
    /// A write that no node has taken yet is not attempted so late that its answer could hardly arrive in time: that
    /// would turn a known outcome into an unknown one.
    /// </summary>
    private static int ReserveMs(int timeoutMs) => Math.Clamp(timeoutMs / 10, 1, 250);

    /// <summary>Waits before the next attempt; throws if the deadline for starting it comes first.</summary>
    private async ValueTask PrepareRetryAsync(
        Verdict verdict,
        Reply reply,
        CallProgress progress,
        KvMethod method,
        long lastStart,
        Node node,
        CancellationToken cancellationToken)
    {
        long leftMs = lastStart - _time.TickMs();
        int pauseMs = verdict == Verdict.RetryLater ? progress.PauseMs : 0;
        if (pauseMs >= leftMs)
        {
            throw DeadlinePassed(in reply, in progress, method, node);
        }

        if (pauseMs == 0)
        {
            return;
        }

        // The more callers wait, the longer each waits: a thousand callers must not hold up the election they wait for.
        int waiting = Interlocked.Increment(ref _waiting);
        try
        {
            pauseMs = (int)Math.Min(
                leftMs, Math.Min(LongestSharedPauseMs, pauseMs * (1L + (waiting / CallersPerPause))));
            var pause = Task.Delay(TimeSpan.FromMilliseconds(pauseMs), _time, cancellationToken);
            await (progress.WaitsForLeader ? Task.WhenAny(pause, _topology.WhenLeaderFound()) : pause)
                .ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    private async ValueTask<WriteIdentity> RenewAsync(
        WriteIdentity expired, long deadline, CancellationToken cancellationToken)
    {
        expired.Session?.Expire();
        return await _sessions.TakeAsync(deadline, cancellationToken).ConfigureAwait(false);
    }

    private static KvCloudException Failure(in Reply reply, in CallProgress progress, KvMethod method, Node node)
    {
        string message = reply.Message ?? reply.Code.ToString();
        if (reply.Status != ReplyStatus.Answered)
        {
            return progress.MayHaveRun && method.MayLeaveOutcomeUnknown
                ? new KvCloudException(
                    ErrorCode.OUTCOME_UNKNOWN, $"{message}; the write may or may not be applied", false, node.Name)
                : new KvCloudException(ErrorCode.NETWORK, message, true, node.Name);
        }

        if (progress.MayHaveRun && method.MayLeaveOutcomeUnknown
            && reply.Code is ErrorCode.UNAUTHENTICATED or ErrorCode.PERMISSION_DENIED)
        {
            return new KvCloudException(
                ErrorCode.OUTCOME_UNKNOWN,
                $"{message}; an earlier attempt may or may not be applied",
                false,
                node.Name);
        }

        if (reply.Code == ErrorCode.SESSION_EXPIRED)
        {
            return new KvCloudException(
                reply.Code, $"{message}; the write was not run again, and whether it ran before is unknown", false,
                node.Name);
        }

        // After a server error it is unknown whether the write took effect.
        bool isDefect = reply.Code is ErrorCode.INTERNAL or ErrorCode.NETWORK or ErrorCode.CORRUPTION;
        bool known = reply.Code != ErrorCode.OUTCOME_UNKNOWN && !(isDefect && method.IsWrite);
        return new KvCloudException(reply.Code, message, known, node.Name);
    }

    private static KvCloudException DeadlinePassed(
        in Reply reply, in CallProgress progress, KvMethod method, Node node)
    {
        string tried = $"{progress.Attempts} attempts, the last: {progress.LastFailure}";
        if (progress.MayHaveRun && method.MayLeaveOutcomeUnknown)
        {
            return new KvCloudException(
                ErrorCode.OUTCOME_UNKNOWN, $"no answer before the deadline ({tried})", false, node.Name);
        }

        // Why no node took the call is more useful than the fact that its time ran out.
        ErrorCode code = reply.Status switch
        {
            ReplyStatus.Answered => reply.Code,
            ReplyStatus.Full => ErrorCode.OVERLOADED,
            ReplyStatus.TimedOut => ErrorCode.TIMEOUT,
            _ => ErrorCode.NETWORK,
        };
        return new KvCloudException(code, $"not done before the deadline ({tried})", true, node.Name);
    }
}

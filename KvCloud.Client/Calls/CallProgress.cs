using KvCloud.Client.Topology;
using KvCloud.Client.Wire;
using KvCloud.Protocol;

namespace KvCloud.Client.Calls;

/// <summary>What to do after an attempt.</summary>
internal enum Verdict
{
    Done,
    Fail,
    RetryNow,
    RetryLater,

    /// <summary>Nothing was run, and the session has expired: take another and try again.</summary>
    RetryInNewSession,
}

/// <summary>The progress of one call over its attempts.</summary>
internal struct CallProgress
{
    private const int FirstPauseMs = 4;
    private const int LongestPauseMs = 128;
    private const int FirstOverloadPauseMs = 16;
    private const int LongestOverloadPauseMs = 1024;
    private const int FullPauseMs = 2;
    private const int RedirectsWithoutPause = 2;
    private const int LossesUntilAnotherNode = 2;

    private int _redirects;
    private int _losses;
    private int _overloads;

    /// <summary>Attempts so far.</summary>
    public int Attempts { get; private set; }

    /// <summary>The node that the next attempt should avoid.</summary>
    public Node? Avoid { get; private set; }

    /// <summary>An earlier attempt may have run, or may still run.</summary>
    public bool MayHaveRun { get; private set; }

    public int PauseMs { get; private set; }

    /// <summary>The call waits for a leader: the pause may end as soon as another call has found one.</summary>
    public bool WaitsForLeader { get; private set; }

    public string? LastFailure { get; private set; }

    public ErrorCode LastCode { get; private set; }

    /// <summary>
    /// Evaluates the answer of one attempt. A retry is safe when nothing was run, when running twice does no harm, or
    /// when the write has an identity by which the cluster recognises it.
    /// </summary>
    public Verdict Judge(in Reply reply, Node? node, KvMethod method, bool isSafeToRepeat, CallTarget target)
    {
        Attempts++;
        if (LastFailure is null || reply.Status != ReplyStatus.NotSent)
        {
            // A failure to reach the node again is less informative than why an earlier attempt failed.
            LastFailure = reply.Message ?? reply.Code.ToString();
        }

        LastCode = reply.Status == ReplyStatus.Answered ? reply.Code : ErrorCode.NETWORK;
        Avoid = null;
        WaitsForLeader = target.LeaderOnly;
        switch (reply.Status)
        {
            case ReplyStatus.Full:
                WaitsForLeader = false;
                PauseMs = Jitter(FullPauseMs);
                return Verdict.RetryLater;
            case ReplyStatus.NotSent:
                Avoid = node;
                return Pause();
            case ReplyStatus.Lost:
                MayHaveRun = true;
                Avoid = ++_losses >= LossesUntilAnotherNode ? node : null;
                return isSafeToRepeat ? Pause() : Verdict.Fail;
            case ReplyStatus.TimedOut:
                MayHaveRun = true;
                Avoid = node;
                return isSafeToRepeat ? Verdict.RetryNow : Verdict.Fail;
        }

        _losses = 0;
        return JudgeCode(reply.Code, reply.LeaderEndpoint, node, method, isSafeToRepeat, target);
    }

    private Verdict JudgeCode(
        ErrorCode code, string? leaderEndpoint, Node? node, KvMethod method, bool isSafeToRepeat, CallTarget target)
    {
        switch (code)
        {
            case ErrorCode.OK:
                return Verdict.Done;
            case ErrorCode.NOT_LEADER when target.Pinned is not null:
                return Verdict.Fail;
            case ErrorCode.NOT_LEADER:
                Avoid = node;
                bool pointsElsewhere = leaderEndpoint is { Length: > 0 } && leaderEndpoint != node?.Name;
                return pointsElsewhere && _redirects++ < RedirectsWithoutPause ? Verdict.RetryNow : Pause();
            case ErrorCode.OVERLOADED:
                WaitsForLeader = false;
                Avoid = target.LeaderOnly ? null : node;
                PauseMs = Jitter(Math.Min(LongestOverloadPauseMs, FirstOverloadPauseMs << Math.Min(_overloads++, 8)));
                return Verdict.RetryLater;
            case ErrorCode.NO_LEADER or ErrorCode.SHUTTING_DOWN or ErrorCode.TOO_STALE or ErrorCode.TIMEOUT:
                Avoid = node;
                return Pause();

            // The store of that replica is damaged, those of others need not be.
            case ErrorCode.CORRUPTION when !method.IsWrite && target.Pinned is null:
                Avoid = node;
                return Pause();
            case ErrorCode.OUTCOME_UNKNOWN:
                MayHaveRun = true;
                return isSafeToRepeat ? Pause() : Verdict.Fail;
            case ErrorCode.SESSION_EXPIRED when !MayHaveRun && method.IsWrite:
                return Verdict.RetryInNewSession;

            // An earlier attempt, whose answer was lost, created it.
            case ErrorCode.COLUMN_FAMILY_EXISTS when MayHaveRun && method == KvMethod.CreateColumnFamily:
            case ErrorCode.COLUMN_FAMILY_NOT_FOUND when MayHaveRun && method == KvMethod.DropColumnFamily:
                return Verdict.Done;
            default:
                return Verdict.Fail;
        }
    }

    private Verdict Pause()
    {
        PauseMs = Jitter(Math.Min(LongestPauseMs, FirstPauseMs << Math.Min(Attempts - 1, 10)));
        return Verdict.RetryLater;
    }

    /// <summary>
    /// From half to one and a half times the pause, so that clients that failed together do not retry together.
    /// </summary>
    private static int Jitter(int pauseMs) => Math.Max(1, (pauseMs / 2) + Random.Shared.Next(pauseMs + 1));
}

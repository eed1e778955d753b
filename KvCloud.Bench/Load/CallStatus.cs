namespace KvCloud.Bench.Load;

/// <summary>The outcome of a call. The first two are successes; all others count as errors.</summary>
internal enum CallStatus
{
    Ok,
    NotFound,
    Conflict,
    NotLeader,
    Overloaded,
    OutcomeUnknown,
    Timeout,
    Refused,
    ConnectionLost,
}

internal static class CallStatuses
{
    public static readonly int Count = Enum.GetValues<CallStatus>().Length;

    public static bool IsSuccess(CallStatus status) => status <= CallStatus.NotFound;
}

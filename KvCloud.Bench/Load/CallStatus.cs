namespace KvCloud.Bench.Load;

/// <summary>How a call ended. The first two are successes; everything else counts as an error.</summary>
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

using KvCloud.Protocol;

namespace KvCloud.Client;

/// <summary>What a code says about a retry; docs/client.md has the same as a table.</summary>
internal static class ErrorCodes
{
    /// <summary>Whether the same call may succeed later.</summary>
    public static bool IsTransient(ErrorCode code) => code is
        ErrorCode.NOT_LEADER or ErrorCode.NO_LEADER or ErrorCode.OVERLOADED or ErrorCode.TIMEOUT
        or ErrorCode.CONFLICT or ErrorCode.VERSION_TOO_OLD or ErrorCode.TOO_STALE or ErrorCode.SHUTTING_DOWN
        or ErrorCode.NETWORK;

    /// <summary>
    /// The node did nothing, and the call may succeed later or on another node: the client retries by itself.
    /// </summary>
    public static bool IsRefusal(ErrorCode code) => code is
        ErrorCode.NOT_LEADER or ErrorCode.NO_LEADER or ErrorCode.OVERLOADED or ErrorCode.TIMEOUT
        or ErrorCode.TOO_STALE or ErrorCode.SHUTTING_DOWN;

    /// <summary>The node itself cannot answer, and another node may.</summary>
    public static bool MayOtherNodeAnswer(ErrorCode code) => code is
        ErrorCode.NO_LEADER or ErrorCode.TIMEOUT or ErrorCode.TOO_STALE or ErrorCode.SHUTTING_DOWN
        or ErrorCode.CORRUPTION;
}

using KvCloud.Protocol;

namespace KvCloud.Client;

/// <summary>A call could not be answered as asked.</summary>
public sealed class KvCloudException : Exception
{
    /// <summary>Creates the exception; what follows from the code is derived from it.</summary>
    /// <param name="code">Why.</param>
    /// <param name="message">What is wrong, in words.</param>
    /// <param name="endpoint">The node that said so, or null.</param>
    /// <param name="innerException">The cause, or null.</param>
    public KvCloudException(
        ErrorCode code, string message, string? endpoint = null, Exception? innerException = null)
        : this(code, message, outcomeKnown: code is not (ErrorCode.OUTCOME_UNKNOWN or ErrorCode.SESSION_EXPIRED),
            endpoint, innerException)
    {
    }

    internal KvCloudException(
        ErrorCode code, string message, bool outcomeKnown, string? endpoint, Exception? innerException = null)
        : base(Describe(code, message, endpoint), innerException)
    {
        ErrorCode = code;
        OutcomeKnown = outcomeKnown;
        Endpoint = endpoint;
    }

    /// <summary>Why the call failed.</summary>
    public ErrorCode ErrorCode { get; }

    /// <summary>
    /// True when the call certainly had no effect. False for a write that may or may not be applied, now or later:
    /// read before writing again.
    /// </summary>
    public bool OutcomeKnown { get; }

    /// <summary>True when the very same call may succeed later and running it again does no harm.</summary>
    public bool IsTransient => OutcomeKnown && ErrorCodes.IsTransient(ErrorCode);

    /// <summary>Client endpoint of the node that failed, `host:port`; null where none was reached.</summary>
    public string? Endpoint { get; }

    private static string Describe(ErrorCode code, string message, string? endpoint) =>
        endpoint is null ? $"{code}: {message}" : $"{code}: {message} (from {endpoint})";
}

namespace KvCloud.Client.Connections;

/// <summary>Limits of one connection.</summary>
/// <param name="MaxCalls">Calls in flight.</param>
/// <param name="MaxUnsentBytes">Encoded bytes that wait for the socket; one call may go above.</param>
/// <param name="MaxRequestBytes">Size of one call.</param>
/// <param name="MaxResponseBytes">Size of one answer.</param>
/// <param name="KeepAliveTimeoutMs">Silence, while an answer is overdue, after which the connection counts as
/// dead.</param>
/// <param name="Time">The clock of deadlines.</param>
internal sealed record ConnectorOptions(
    int MaxCalls,
    int MaxUnsentBytes,
    int MaxRequestBytes,
    int MaxResponseBytes,
    int KeepAliveTimeoutMs,
    TimeProvider Time);

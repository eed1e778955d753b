namespace KvCloud.Client.Connections;

/// <summary>Limits of one connection.</summary>
/// <param name="MaxCalls">Maximum calls in flight.</param>
/// <param name="MaxUnsentBytes">Maximum encoded bytes waiting for the socket; a single call may exceed it.</param>
/// <param name="MaxRequestBytes">Maximum size of one request.</param>
/// <param name="MaxResponseBytes">Maximum size of one answer.</param>
/// <param name="KeepAliveTimeoutMs">After this much silence while an answer is overdue the connection counts as
/// dead.</param>
/// <param name="Time">The clock for deadlines.</param>
internal sealed record ConnectorOptions(
    int MaxCalls,
    int MaxUnsentBytes,
    int MaxRequestBytes,
    int MaxResponseBytes,
    int KeepAliveTimeoutMs,
    TimeProvider Time);

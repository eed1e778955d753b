namespace KvCloud.Client;

/// <summary>A node's answer to a ping.</summary>
/// <param name="Endpoint">The node that answered; null where any would do.</param>
/// <param name="RoundTrip">Measured by this client, from the call to its answer.</param>
/// <param name="ServerTime">The node's clock.</param>
public sealed record KvPing(string? Endpoint, TimeSpan RoundTrip, DateTimeOffset ServerTime);

namespace KvCloud.Client;

/// <summary>A node's answer to a ping.</summary>
public sealed record KvPing
{
    internal KvPing()
    {
    }

    /// <summary>The node that answered; null where any would do.</summary>
    public string? Endpoint { get; internal init; }

    /// <summary>Measured by this client, from the call to its answer.</summary>
    public TimeSpan RoundTrip { get; internal init; }

    /// <summary>The node's clock.</summary>
    public DateTimeOffset ServerTime { get; internal init; }
}

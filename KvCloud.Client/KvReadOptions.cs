using KvCloud.Protocol;

namespace KvCloud.Client;

/// <summary>How one read is to be served. What is null is as the client's settings say.</summary>
public sealed record KvReadOptions
{
    /// <summary>All as the settings say.</summary>
    public static KvReadOptions Default { get; } = new();

    /// <summary>How fresh the answer must be.</summary>
    public ReadConsistency? Consistency { get; init; }

    /// <summary>
    /// For local reads: how long the replica may have been out of touch with the leader. Whole milliseconds.
    /// </summary>
    public TimeSpan? MaxStaleness { get; init; }

    /// <summary>
    /// Read this moment of the database, on any replica; <see cref="Consistency"/> is ignored then.
    /// </summary>
    public long? AtVersion { get; init; }

    /// <summary>The column family; null for `default`.</summary>
    public string? ColumnFamily { get; init; }

    /// <summary>Time for the call with all its attempts.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Ask this node and no other, `host:port`. For checks of one replica.</summary>
    public string? Endpoint { get; init; }
}

namespace KvCloud.Client;

/// <summary>How one write is to be done. What is null is as the client's settings say.</summary>
public sealed record KvWriteOptions
{
    /// <summary>All as the settings say.</summary>
    public static KvWriteOptions Default { get; } = new();

    /// <summary>The column family; null for `default`.</summary>
    public string? ColumnFamily { get; init; }

    /// <summary>Time for the call with all its attempts.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>
    /// True: the write carries an identity by which the cluster runs it once however often it is sent, and the client
    /// resends it when an answer is lost. False: a lost answer is told as OUTCOME_UNKNOWN.
    /// </summary>
    public bool? ExactlyOnce { get; init; }
}

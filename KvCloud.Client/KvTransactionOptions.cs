namespace KvCloud.Client;

/// <summary>How <see cref="KvCloudClient"/> runs a transaction.</summary>
public sealed record KvTransactionOptions
{
    /// <summary>All by default.</summary>
    public static KvTransactionOptions Default { get; } = new();

    /// <summary>How often the body may run; after that the last conflict is thrown.</summary>
    public int MaxAttempts { get; init; } = 1000;

    /// <summary>Time for all attempts together; no new one starts behind it.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Time for each call inside; null: as the client's settings say.</summary>
    public TimeSpan? CallTimeout { get; init; }

    /// <summary>
    /// True: a commit whose answer is lost is resent under its identity and runs once. False: it is told as
    /// OUTCOME_UNKNOWN. Null: as the client's settings say.
    /// </summary>
    public bool? ExactlyOnce { get; init; }
}

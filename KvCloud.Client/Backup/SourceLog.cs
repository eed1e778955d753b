namespace KvCloud.Client.Backup;

/// <summary>What a replica said of its log.</summary>
internal sealed record SourceLog
{
    public required string ClusterId { get; init; }

    public required int NodeId { get; init; }

    /// <summary>The last slot that is applied there.</summary>
    public required long AppliedSlot { get; init; }

    /// <summary>No version in the block, or in any slot before it, is higher.</summary>
    public required long AppliedVersion { get; init; }

    public required long FirstAvailableSlot { get; init; }

    /// <summary>Null if there is nothing yet.</summary>
    public required SourceBlock? Block { get; init; }
}

namespace KvCloud.Client.Backup;

/// <summary>A snapshot that a replica has ready.</summary>
internal sealed record SourceSnapshot
{
    public required long Id { get; init; }

    public required string ClusterId { get; init; }

    public required int NodeId { get; init; }

    /// <summary>It holds what the slots up to this one have done; its log goes on at the next.</summary>
    public required long Slot { get; init; }

    /// <summary>The last commit version in it.</summary>
    public required long Version { get; init; }

    /// <summary>When the last write in it was proposed, by the leader's clock; 0 if it holds none.</summary>
    public required long UnixMs { get; init; }

    public required IReadOnlyList<SourceFile> Files { get; init; }
}

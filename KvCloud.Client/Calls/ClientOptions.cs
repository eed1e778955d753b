using KvCloud.Protocol;

namespace KvCloud.Client.Calls;

/// <summary>The settings, checked and frozen.</summary>
internal sealed record ClientOptions
{
    public required ReadConsistency Consistency { get; init; }

    public required int TimeoutMs { get; init; }

    /// <summary>How long one node may take before another is asked, if that is safe.</summary>
    public required int AttemptTimeoutMs { get; init; }

    public required bool ExactlyOnce { get; init; }

    public required int? MaxStalenessMs { get; init; }

    public required string? AuthToken { get; init; }

    public required int RefreshIntervalMs { get; init; }

    public required int KeepAliveIntervalMs { get; init; }

    public required TimeProvider Time { get; init; }
}

using KvCloud.Client;

namespace KvCloud.Cli.Cluster;

/// <summary>One member: what it says of itself now, or why it says nothing.</summary>
/// <param name="Heard">What the first node to answer had heard of it.</param>
/// <param name="Answer">Its own answer; null if there is none.</param>
internal sealed record MemberReport(KvNodeStatus Heard, KvClusterHealth? Answer)
{
    public const string Unreachable = "unreachable";

    /// <summary>From the question to the answer.</summary>
    public TimeSpan? RoundTrip { get; init; }

    /// <summary>When the question was sent.</summary>
    public DateTimeOffset AskedAt { get; init; }

    /// <summary>Why there is no answer; null if there is one.</summary>
    public string? Error { get; init; }

    /// <summary>What it says of itself; null without an answer.</summary>
    public KvNodeStatus? Own => Answer?.Nodes.FirstOrDefault(node => node.Id == Answer.AnsweredBy);

    /// <summary>The newest that is known of it.</summary>
    public KvNodeStatus Known => Own ?? Heard;

    public int Id => Heard.Id;

    public bool Answers => Own is not null;

    public bool IsLearner => Known.IsLearner;

    public string Health => Own?.Status ?? Unreachable;

    /// <summary>Why it is not healthy, for people; null if it is.</summary>
    public string? Trouble => Own is { } own
        ? own.StatusReason
        : $"{Error}; another node last heard it {LastHeard}";

    private string LastHeard => Heard.LastSeen is { } seen && seen > DateTimeOffset.UnixEpoch
        ? $"at {seen.UtcDateTime:HH:mm:ss}Z, {Heard.Status} then"
        : "never";
}


namespace KvCloud.Node.Operations;

/// <summary>The outcome of one write. Outcomes from the state machine are the same on every replica.</summary>
/// <param name="Code">OK, or the reason why not.</param>
/// <param name="Version">Commit version of a write that took effect; the session's id for OpenSession.</param>
/// <param name="Generated">What versionstamped mutations generated, in order; null if there were none.</param>
/// <param name="Message">The error in detail, for people; null when OK.</param>
/// <param name="LeaderEndpoint">Client endpoint of the leader, with NOT_LEADER.</param>
internal readonly record struct CommandResult(
    KvStatus Code,
    CommitVersion Version = default,
    IReadOnlyList<byte[]>? Generated = null,
    string? Message = null,
    string? LeaderEndpoint = null);

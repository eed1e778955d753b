namespace KvCloud.Client;

/// <summary>One replica, as the node that answered knows it. What is null was not told.</summary>
/// <param name="Id">Number of the replica.</param>
/// <param name="Endpoint">Where clients reach it, `host:port`.</param>
/// <param name="Status">`healthy`, `degraded`, `unreachable` or `unknown`.</param>
/// <param name="IsLeader">Whether it leads.</param>
/// <param name="Role">`leader`, `follower`, `candidate` or `unknown`.</param>
/// <param name="LastSeen">When the answering node last heard of it.</param>
/// <param name="Uptime">How long it has been running, in whole seconds.</param>
/// <param name="AppliedSlot">The last slot whose commands it has applied.</param>
/// <param name="ChosenSlot">The last slot it knows to be chosen.</param>
/// <param name="LagSlots">Chosen slots it has not applied.</param>
/// <param name="AppliedVersion">The newest commit version it can read.</param>
/// <param name="PeerEndpoint">Where the other replicas reach it.</param>
/// <param name="HttpEndpoint">Where its health and metrics are.</param>
/// <param name="SoftwareVersion">Version of the node's program.</param>
public sealed record KvNodeStatus(
    int Id,
    string Endpoint,
    string Status,
    bool IsLeader,
    string? Role,
    DateTimeOffset? LastSeen,
    TimeSpan? Uptime,
    long? AppliedSlot,
    long? ChosenSlot,
    long? LagSlots,
    long? AppliedVersion,
    string? PeerEndpoint,
    string? HttpEndpoint,
    string? SoftwareVersion);

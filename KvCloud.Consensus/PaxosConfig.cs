namespace KvCloud.Consensus;

/// <summary>
/// Settings of one node's consensus. Times are ticks of the caller's clock; the driver ticks every 10 ms.
/// </summary>
public sealed record PaxosConfig
{
    public required NodeId Self { get; init; }

    /// <summary>
    /// The initial voters of the group: 1, 3, 5 or 7, this node among them; empty for a node that is added to a group
    /// later. From the first change of members on the log says who the members are, and this is ignored.
    /// </summary>
    public required IReadOnlyList<NodeId> Voters { get; init; }

    /// <summary>
    /// A follower that hears no leader for this long may seek votes; until then it grants none. Each wait is drawn anew
    /// from [ElectionTimeoutTicks, ElectionTimeoutTicks + ElectionJitterTicks).
    /// </summary>
    public int ElectionTimeoutTicks { get; init; } = 40;

    public int ElectionJitterTicks { get; init; } = 20;

    public int HeartbeatTicks { get; init; } = 5;

    /// <summary>
    /// How long the leader may serve reads on its own after a heartbeat round that a quorum confirms, counted from when
    /// the round was sent.
    /// </summary>
    /// <remarks>
    /// Must be shorter than ElectionTimeoutTicks by more than the clocks of two nodes may drift apart in that time.
    /// </remarks>
    public int LeaseTicks { get; init; } = 32;

    /// <summary>How long an unanswered Accept, Prepare or catch-up request waits before it is sent again.</summary>
    public int ResendTicks { get; init; } = 10;

    /// <summary>Maximum number of slots proposed and not yet chosen.</summary>
    public int MaxInFlightSlots { get; init; } = 256;

    /// <summary>Maximum bytes of values proposed and not yet chosen; a single value may always be in flight.</summary>
    public int MaxInFlightBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>
    /// Bytes that an acceptor holds above its chosen slot before it drops further Accepts. Bounds its memory while it
    /// catches up, and the size of a Promise.
    /// </summary>
    public int MaxUnchosenBytes { get; init; } = 24 * 1024 * 1024;

    /// <summary>Seed of the election jitter. It must differ between nodes.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Throws if the settings are unsafe or cannot work; the message names the setting.</summary>
    public void Validate()
    {
        Require(
            Voters.Count is 0 or 1 or 3 or 5 or 7, $"Voters: a group begins with 1, 3, 5 or 7, not {Voters.Count}");
        Require(Voters.Count == 0 || Voters.Contains(Self), $"Voters: {Self} is not among them");
        Require(Voters.Distinct().Count() == Voters.Count, "Voters: a node is named twice");
        Require(HeartbeatTicks > 0, "HeartbeatTicks must be positive");
        Require(
            ElectionTimeoutTicks >= 3 * HeartbeatTicks,
            "ElectionTimeoutTicks must be at least three times HeartbeatTicks");
        Require(ElectionJitterTicks > 0, "ElectionJitterTicks must be positive");
        Require(
            LeaseTicks >= 0 && LeaseTicks < ElectionTimeoutTicks,
            "LeaseTicks must be less than ElectionTimeoutTicks");
        Require(ResendTicks > 0, "ResendTicks must be positive");
        Require(MaxInFlightSlots > 0, "MaxInFlightSlots must be positive");
        Require(MaxInFlightBytes > 0, "MaxInFlightBytes must be positive");
        Require(MaxUnchosenBytes >= MaxInFlightBytes, "MaxUnchosenBytes must be at least MaxInFlightBytes");
    }

    private static void Require(bool condition, string message)
    {
        if (!condition)
        {
            throw new ArgumentException(message);
        }
    }
}

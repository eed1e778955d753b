namespace KvCloud.Consensus;

/// <summary>
/// Settings of one node's consensus. Times are ticks of the caller's clock; the driver ticks every 10 ms.
/// </summary>
public sealed record PaxosConfig
{
    public required NodeId Self { get; init; }

    /// <summary>
    /// The voters that the group began with, 1, 3, 5 or 7, this node among them; nobody for a node that is added to a
    /// group later. From the first change of members on nobody asks.
    /// </summary>
    public required IReadOnlyList<NodeId> Voters { get; init; }

    /// <summary>
    /// A follower that hears nothing for this long may seek votes; until then it grants none. Drawn anew from
    /// [ElectionTimeoutTicks, ElectionTimeoutTicks + ElectionJitterTicks) for each wait.
    /// </summary>
    public int ElectionTimeoutTicks { get; init; } = 40;

    public int ElectionJitterTicks { get; init; } = 20;

    public int HeartbeatTicks { get; init; } = 5;

    /// <summary>
    /// How long a round of heartbeats, once confirmed by a quorum, lets the leader read alone, counted from its
    /// sending.
    /// </summary>
    /// <remarks>Shorter than ElectionTimeoutTicks by more than the clocks of two nodes may drift apart in that
    /// time.</remarks>
    public int LeaseTicks { get; init; } = 32;

    /// <summary>How long an unanswered Accept, Prepare or catch-up request waits before it is sent again.</summary>
    public int ResendTicks { get; init; } = 10;

    /// <summary>Slots proposed and not yet chosen at one time.</summary>
    public int MaxInFlightSlots { get; init; } = 256;

    /// <summary>Bytes of values proposed and not yet chosen at one time; one value may always be in flight.</summary>
    public int MaxInFlightBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>
    /// What an acceptor holds above its chosen slot before it lets further Accepts pass unanswered. Bounds its memory
    /// while it catches up, and the size of a Promise.
    /// </summary>
    public int MaxUnchosenBytes { get; init; } = 24 * 1024 * 1024;

    /// <summary>Seed of election jitter. Every node needs its own.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Throws where the settings cannot be safe or cannot work; the message names the setting.</summary>
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

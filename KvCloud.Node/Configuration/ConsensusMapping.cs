using KvCloud.Consensus;
using KvCloud.Node.Replication;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Configuration;

/// <summary>Converts between the settings' milliseconds and the ticks of the consensus core.</summary>
internal static class ConsensusMapping
{
    /// <param name="seed">Seeds the election jitter; must differ between nodes.</param>
    public static PaxosConfig ToPaxosConfig(this NodeOptions options, NodeTopology topology, ulong seed)
    {
        ConsensusOptions consensus = options.Consensus;
        int heartbeatTicks = Math.Max(1, consensus.HeartbeatIntervalMs / ReplicaClock.TickMs);
        int electionTicks = Math.Max(3 * heartbeatTicks, consensus.ElectionTimeoutMs / ReplicaClock.TickMs);
        return new PaxosConfig
        {
            Self = new NodeId(topology.SelfId),
            Voters = [.. topology.InitialVoters.Select(id => new NodeId(id))],
            ElectionTimeoutTicks = electionTicks,
            ElectionJitterTicks = Math.Max(1, electionTicks / 2),
            HeartbeatTicks = heartbeatTicks,
            LeaseTicks = consensus.LeaseEnabled ? LeaseTicks(electionTicks, consensus.MaxClockDriftPercent) : 0,
            ResendTicks = 2 * heartbeatTicks,
            MaxInFlightSlots = consensus.MaxOutstandingProposals,
            Seed = seed,
        };
    }

    /// <summary>The terms on which all replicas must agree, in milliseconds.</summary>
    public static GroupTerms ToGroupTerms(this PaxosConfig config) => new(
        GroupTerms.Describe(config.Voters.Select(voter => voter.Value)),
        config.ElectionTimeoutTicks * ReplicaClock.TickMs,
        config.LeaseTicks * ReplicaClock.TickMs);

    /// <summary>
    /// The lease must end on the slowest leader's clock before the earliest election on the fastest follower's clock.
    /// With drift d, a lease of L lasts at most L / (1 - d) of real time and an election timeout of T at least T / (1 +
    /// d), so L = T (1 - d) / (1 + d). One tick is subtracted because a clock that counts whole ticks can be off by
    /// one.
    /// </summary>
    private static int LeaseTicks(int electionTicks, double driftPercent)
    {
        double drift = driftPercent / 100;
        return Math.Max(0, (int)Math.Floor(electionTicks * (1 - drift) / (1 + drift)) - 1);
    }
}

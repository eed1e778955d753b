using KvCloud.Consensus;
using KvCloud.Node.Replication;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Configuration;

/// <summary>Turns milliseconds into the ticks of the consensus core, and back.</summary>
internal static class ConsensusMapping
{
    /// <param name="seed">Of election jitter: every node needs its own.</param>
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

    /// <summary>What the others must agree with, in milliseconds again.</summary>
    public static GroupTerms ToGroupTerms(this PaxosConfig config) => new(
        GroupTerms.Describe(config.Voters.Select(voter => voter.Value)),
        config.ElectionTimeoutTicks * ReplicaClock.TickMs,
        config.LeaseTicks * ReplicaClock.TickMs);

    /// <summary>
    /// The lease ends on the slowest leader's clock before the earliest election on the fastest follower's: a lease of
    /// L lasts up to L / (1 - d) of true time, an election timeout of T at least T / (1 + d), so L = T (1 - d) / (1 +
    /// d), less a tick because a clock that counts whole ticks may be off by one.
    /// </summary>
    private static int LeaseTicks(int electionTicks, double driftPercent)
    {
        double drift = driftPercent / 100;
        return Math.Max(0, (int)Math.Floor(electionTicks * (1 - drift) / (1 + drift)) - 1);
    }
}

namespace KvCloud.Consensus;

/// <summary>The parts of one node, which its roles share.</summary>
internal sealed record NodeParts(
    PaxosConfig Config,
    Acceptor Acceptor,
    Learner Learner,
    LeaderElection Election,
    Voter Voter,
    CatchUp CatchUp,
    Follower Follower,
    LogRetention Retention,
    RemoteReads RemoteReads,
    StepContext Step);

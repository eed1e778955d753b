namespace KvCloud.LocalCluster;

/// <summary>What the supervisor knows of a replica's process.</summary>
internal enum NodeState
{
    /// <summary>Never started, or stopped on request.</summary>
    Stopped,
    Running,

    /// <summary>It ended without being asked to and is started again after a pause.</summary>
    Pausing,

    /// <summary>It ended without being asked to and stays down.</summary>
    Ended,
}

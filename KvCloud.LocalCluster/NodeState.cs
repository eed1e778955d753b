namespace KvCloud.LocalCluster;

/// <summary>The supervisor's state of a replica's process.</summary>
internal enum NodeState
{
    /// <summary>Never started, or stopped on request.</summary>
    Stopped,
    Running,

    /// <summary>Exited unexpectedly and is restarted after a delay.</summary>
    Pausing,

    /// <summary>Exited unexpectedly and stays down.</summary>
    Ended,
}

namespace KvCloud.Node.Configuration;

/// <summary>Exit codes of the process, for scripts and orchestrators.</summary>
internal static class ExitCodes
{
    public const int Clean = 0;

    /// <summary>Used only by --health: the node is not healthy or does not answer.</summary>
    public const int Unhealthy = 1;

    /// <summary>The configuration is invalid; standard error has one sentence per error.</summary>
    public const int Configuration = 2;

    /// <summary>The data directory belongs to another node or cluster, is in use, or is unusable.</summary>
    public const int DataDirectory = 3;

    /// <summary>The disk refused a write, something is corrupt, or an invariant broke.</summary>
    public const int Fatal = 4;

    /// <summary>The node was removed from its group: there is nothing to start it for.</summary>
    public const int Removed = 5;
}

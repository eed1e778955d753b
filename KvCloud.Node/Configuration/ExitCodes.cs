namespace KvCloud.Node.Configuration;

/// <summary>How the process ends, for scripts and orchestrators.</summary>
internal static class ExitCodes
{
    public const int Clean = 0;

    /// <summary>Of --health alone: the node is not healthy, or does not answer.</summary>
    public const int Unhealthy = 1;

    /// <summary>The configuration has mistakes; standard error has one sentence for each.</summary>
    public const int Configuration = 2;

    /// <summary>The data directory belongs to another node or cluster, is in use, or cannot be used.</summary>
    public const int DataDirectory = 3;

    /// <summary>The disk refused a write, something is corrupt, or an invariant broke.</summary>
    public const int Fatal = 4;

    /// <summary>The node was removed from its group: there is nothing to start it for.</summary>
    public const int Removed = 5;
}

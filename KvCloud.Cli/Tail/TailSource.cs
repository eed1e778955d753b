namespace KvCloud.Cli.Tail;

/// <summary>What of the nodes is followed.</summary>
internal enum TailSource
{
    /// <summary>/events.</summary>
    Events = 0,

    /// <summary>/logs.</summary>
    Logs = 1,
}

namespace KvCloud.Node.Replication.Restore;

/// <summary>What a refused restore failed on; it decides the exit code.</summary>
internal enum RestoreFlaw
{
    /// <summary>The request is wrong.</summary>
    Request = 0,

    /// <summary>The target cannot be used.</summary>
    Target = 1,

    /// <summary>The backup is damaged or incomplete.</summary>
    Backup = 2,
}

/// <summary>Nothing was restored; the message says in one sentence what was wrong.</summary>
internal sealed class RestoreRefusedException(RestoreFlaw flaw, string message, Exception? inner = null)
    : Exception(message, inner)
{
    public RestoreFlaw Flaw => flaw;
}

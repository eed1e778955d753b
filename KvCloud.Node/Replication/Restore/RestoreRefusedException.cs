namespace KvCloud.Node.Replication.Restore;

/// <summary>Whose fault it is that a restore is refused.</summary>
internal enum RestoreFlaw
{
    /// <summary>Something that was asked for cannot be.</summary>
    Request = 0,

    /// <summary>The target cannot be used.</summary>
    Target = 1,

    /// <summary>The backup is damaged or incomplete.</summary>
    Backup = 2,
}

/// <summary>Nothing was restored; the message says why in one sentence, and names what was wrong.</summary>
internal sealed class RestoreRefusedException(RestoreFlaw flaw, string message, Exception? inner = null)
    : Exception(message, inner)
{
    public RestoreFlaw Flaw => flaw;
}

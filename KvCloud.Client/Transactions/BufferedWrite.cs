namespace KvCloud.Client.Transactions;

internal enum WriteKind
{
    Set,
    Delete,
    VersionstampedKey,
    VersionstampedValue,
}

/// <summary>One operation of a transaction.</summary>
internal sealed record BufferedWrite(WriteKind Kind, string? ColumnFamily, byte[] Key, byte[] Value)
{
    public KvVersionstampHandle? Handle { get; init; }

    /// <summary>A later write to the same key has taken its place.</summary>
    public bool IsSuperseded { get; set; }

    public string WireType => Kind switch
    {
        WriteKind.Set => "set",
        WriteKind.Delete => "delete",
        WriteKind.VersionstampedKey => "SET_VERSIONSTAMPED_KEY",
        _ => "SET_VERSIONSTAMPED_VALUE",
    };
}

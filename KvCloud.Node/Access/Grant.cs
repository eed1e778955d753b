namespace KvCloud.Node.Access;

/// <summary>Rights within a column family (<see cref="Everywhere"/> for all of them) and a key prefix.</summary>
internal sealed record Grant(KvRights Rights, string ColumnFamily, ReadOnlyMemory<byte> Prefix)
{
    /// <summary>Stands for every column family, those of the future too.</summary>
    public const string Everywhere = "*";

    public const string DefaultColumnFamily = "default";

    /// <summary>All there is.</summary>
    public static Grant AdminOfAll { get; } = new(KvRights.Admin, Everywhere, ReadOnlyMemory<byte>.Empty);

    public bool IsOfWholeColumnFamily => Prefix.IsEmpty;

    public bool HasScopeOf(Grant other) =>
        ColumnFamily == other.ColumnFamily && Prefix.Span.SequenceEqual(other.Prefix.Span);

    public bool Equals(Grant? other) => other is not null && Rights == other.Rights && HasScopeOf(other);

    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.Add(Rights);
        hash.Add(ColumnFamily);
        hash.AddBytes(Prefix.Span);
        return hash.ToHashCode();
    }
}

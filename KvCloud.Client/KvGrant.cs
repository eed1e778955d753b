namespace KvCloud.Client;

/// <summary>Rights within a column family and a key prefix.</summary>
public sealed record KvGrant
{
    /// <summary>Stands for every column family.</summary>
    public const string Everywhere = "*";

    /// <summary>What may be done.</summary>
    public required KvRights Rights { get; init; }

    /// <summary>The column family; <see cref="Everywhere"/> for every one.</summary>
    public string ColumnFamily { get; init; } = Everywhere;

    /// <summary>Which keys; empty for all.</summary>
    public ReadOnlyMemory<byte> KeyPrefix { get; init; }
}

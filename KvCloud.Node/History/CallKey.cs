namespace KvCloud.Node.History;

/// <summary>A key that a call names.</summary>
/// <param name="ColumnFamily">Null for the default one.</param>
/// <param name="Key">Of a range its begin. Read before the call's memory is used again.</param>
internal readonly record struct CallKey(string? ColumnFamily, ReadOnlyMemory<byte> Key);

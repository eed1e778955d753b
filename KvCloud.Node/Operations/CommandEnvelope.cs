using System.IO.Hashing;

namespace KvCloud.Node.Operations;

/// <summary>Which command an encoding holds. The numbers are part of the format: never reuse one.</summary>
internal enum CommandKind : byte
{
    Set = 1,
    Delete = 2,
    Commit = 3,
    OpenSession = 4,
    CreateColumnFamily = 5,
    DropColumnFamily = 6,
    RaiseFeatureLevel = 7,
    ChangeAccess = 8,
}

/// <summary>The header of a command: enough to find its session without decoding the body.</summary>
/// <param name="Body">A slice of the encoding.</param>
internal readonly record struct CommandEnvelope(
    CommandKind Kind, RequestIdentity? Identity, ReadOnlyMemory<byte> Body, ReadOnlyMemory<byte> Principal = default)
{
    /// <summary>
    /// Distinguishes a retry from a different request. Covers kind and body but not the identity, because a retry may
    /// acknowledge more than the first attempt did; nor the principal, whose login may be another one.
    /// </summary>
    public ulong ContentHash() => XxHash3.HashToUInt64(Body.Span, (long)Kind);
}

/// <summary>The body of a set, as slices of its encoding. An empty column family is the default one.</summary>
internal readonly record struct SetBody(
    ReadOnlyMemory<byte> ColumnFamily, ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> Value);

/// <summary>The body of a delete, as slices of its encoding.</summary>
internal readonly record struct DeleteBody(ReadOnlyMemory<byte> ColumnFamily, ReadOnlyMemory<byte> Key);

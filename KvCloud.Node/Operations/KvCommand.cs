
namespace KvCloud.Node.Operations;

/// <summary>A write as it goes through consensus. Encoded by <see cref="CommandCodec"/>.</summary>
/// <remarks>Byte memory in a command is never modified; the garbage collector owns it.</remarks>
internal abstract record KvCommand
{
    /// <summary>Makes a retry run once; null if the client did not ask for that.</summary>
    public RequestIdentity? Identity { get; init; }

    /// <summary>
    /// Who asked for it, encoded, to be held to their rights where it is applied; empty where rights do not matter.
    /// </summary>
    public ReadOnlyMemory<byte> Principal { get; init; }
}

/// <summary>(client id, sequence) identifies one request of one session, however often it is sent.</summary>
internal readonly record struct RequestIdentity(long ClientId, long Sequence, long AcknowledgedBelow);

internal sealed record SetCommand(string? ColumnFamily, ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> Value)
    : KvCommand;

internal sealed record DeleteCommand(string? ColumnFamily, ReadOnlyMemory<byte> Key) : KvCommand;

internal enum MutationKind : byte
{
    Set = 1,
    Delete = 2,
    SetVersionstampedKey = 3,
    SetVersionstampedValue = 4,
}

internal readonly record struct Mutation(
    MutationKind Kind, string? ColumnFamily, ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> Value);

internal readonly record struct ConflictKey(string? ColumnFamily, ReadOnlyMemory<byte> Key);

/// <summary>Begin inclusive, end exclusive; a null end is the end of the keyspace.</summary>
internal readonly record struct ConflictRange(
    string? ColumnFamily, ReadOnlyMemory<byte> Begin, ReadOnlyMemory<byte>? End);

/// <summary>
/// A transaction. Also represents setVersionstampedKey and setVersionstampedValue: one mutation, no reads.
/// </summary>
internal sealed record CommitCommand(
    CommitVersion ReadVersion,
    IReadOnlyList<Mutation> Mutations,
    IReadOnlyList<ConflictKey> ConflictKeys,
    IReadOnlyList<ConflictRange> ConflictRanges) : KvCommand;

internal sealed record OpenSessionCommand : KvCommand;

internal sealed record CreateColumnFamilyCommand(string Name) : KvCommand;

internal sealed record DropColumnFamilyCommand(string Name) : KvCommand;

/// <summary>A change of users or roles, encoded: state knows what is in it.</summary>
internal sealed record ChangeAccessCommand(ReadOnlyMemory<byte> Change) : KvCommand;

/// <summary>From here on the group is at this feature level, if it was below. Only a leader proposes it.</summary>
internal sealed record RaiseFeatureLevelCommand(int Level) : KvCommand;

using System.Buffers.Binary;
using KvCloud.Node.State;

namespace KvCloud.Node.Storage;

/// <summary>
/// The keys of the multi-version tables. Current: <c>keyspace(4, big-endian) key</c>, so that a keyspace is one range in
/// the order of its keys. History: <c>superseding version(8, big-endian) keyspace(4) key</c>, an undo log: it is written at
/// its end, and what has left the retention window is its beginning, which goes as whole files.
/// </summary>
internal static class MvccKey
{
    public const int KeyspaceSizeBytes = 4;

    /// <summary>More than any physical key takes beside the user's key.</summary>
    public const int MaxOverheadBytes = KeyspaceSizeBytes + sizeof(long);

    public static ReadOnlySpan<byte> Current(Span<byte> destination, uint keyspace, ReadOnlySpan<byte> key)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination, keyspace);
        key.CopyTo(destination[KeyspaceSizeBytes..]);
        return destination[..(KeyspaceSizeBytes + key.Length)];
    }

    /// <summary>Of what was the newest version of the key until this one superseded it.</summary>
    public static ReadOnlySpan<byte> History(
        Span<byte> destination, CommitVersion supersededAt, uint keyspace, ReadOnlySpan<byte> key)
    {
        ReadOnlySpan<byte> start = HistoryStart(destination, supersededAt);
        return destination[..(start.Length + Current(destination[start.Length..], keyspace, key).Length)];
    }

    /// <summary>Before everything that was superseded at this version or a newer one.</summary>
    public static ReadOnlySpan<byte> HistoryStart(Span<byte> destination, CommitVersion supersededAt)
    {
        BinaryPrimitives.WriteInt64BigEndian(destination, supersededAt.Value);
        return destination[..sizeof(long)];
    }

    public static uint KeyspaceOf(ReadOnlySpan<byte> physicalKey) => BinaryPrimitives.ReadUInt32BigEndian(physicalKey);

    /// <summary>The user's key in a key of the current table.</summary>
    public static ReadOnlySpan<byte> UserKeyOf(ReadOnlySpan<byte> currentKey) => currentKey[KeyspaceSizeBytes..];
}

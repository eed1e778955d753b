using System.Buffers.Binary;
using KvCloud.Node.State;

namespace KvCloud.Node.Storage;

/// <summary>
/// The keys of the multi-version tables. Current: <c>keyspace(4, big-endian) key</c>, so that a keyspace is one range in
/// the order of its keys. History: <c>keyspace(4) key length(2) key inverted version(8)</c>: the versions of a key lie together,
/// newest first. The length stands in front because keys of any bytes would otherwise mix with versions of
/// shorter keys; that history is then not in the order of the keys does not matter, for it is only ever asked
/// for the versions of one key.
/// </summary>
internal static class MvccKey
{
    public const int KeyspaceSizeBytes = 4;

    /// <summary>More than any physical key takes beside the user's key.</summary>
    public const int MaxOverheadBytes = KeyspaceSizeBytes + 2 + sizeof(long);

    public static ReadOnlySpan<byte> Current(Span<byte> destination, uint keyspace, ReadOnlySpan<byte> key)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination, keyspace);
        key.CopyTo(destination[KeyspaceSizeBytes..]);
        return destination[..(KeyspaceSizeBytes + key.Length)];
    }

    /// <summary>Of this version; seeking it finds the newest version at or below.</summary>
    public static ReadOnlySpan<byte> History(
        Span<byte> destination, uint keyspace, ReadOnlySpan<byte> key, CommitVersion version)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination, keyspace);
        BinaryPrimitives.WriteUInt16BigEndian(destination[KeyspaceSizeBytes..], checked((ushort)key.Length));
        key.CopyTo(destination[(KeyspaceSizeBytes + 2)..]);
        int length = KeyspaceSizeBytes + 2 + key.Length + sizeof(long);
        BinaryPrimitives.WriteInt64BigEndian(destination[(length - sizeof(long))..], ~version.Value);
        return destination[..length];
    }

    public static uint KeyspaceOf(ReadOnlySpan<byte> physicalKey) => BinaryPrimitives.ReadUInt32BigEndian(physicalKey);

    /// <summary>The user's key in a key of the current table.</summary>
    public static ReadOnlySpan<byte> UserKeyOf(ReadOnlySpan<byte> currentKey) => currentKey[KeyspaceSizeBytes..];

    /// <summary>Whether both keys of the history table belong to the same user key.</summary>
    public static bool IsSameHistory(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) =>
        left.Length == right.Length && left[..^sizeof(long)].SequenceEqual(right[..^sizeof(long)]);
}

using System.Buffers.Binary;

namespace KvCloud.Node.Storage;

/// <summary>
/// The keys of the versions table: <c>keyspace(4, big-endian) key</c>, so that a keyspace is one range in key order.
/// They do not contain the version: the store keeps it beside the key.
/// </summary>
internal static class MvccKey
{
    public const int KeyspaceSizeBytes = 4;

    public static ReadOnlySpan<byte> Write(Span<byte> destination, uint keyspace, ReadOnlySpan<byte> key)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination, keyspace);
        key.CopyTo(destination[KeyspaceSizeBytes..]);
        return destination[..(KeyspaceSizeBytes + key.Length)];
    }

    public static uint KeyspaceOf(ReadOnlySpan<byte> physicalKey) => BinaryPrimitives.ReadUInt32BigEndian(physicalKey);

    public static ReadOnlySpan<byte> UserKeyOf(ReadOnlySpan<byte> physicalKey) => physicalKey[KeyspaceSizeBytes..];
}

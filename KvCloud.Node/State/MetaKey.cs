using System.Buffers.Binary;

namespace KvCloud.Node.State;

/// <summary>Keys of the meta table about a keyspace: <c>kind(1) keyspace(4, big-endian)</c>.</summary>
internal static class MetaKey
{
    public const int SizeBytes = 1 + sizeof(uint);

    /// <summary>The keyspace exists; the record describes it.</summary>
    public const byte Keyspace = (byte)'k';

    /// <summary>The keyspace was dropped, and some of its keys may still be there.</summary>
    public const byte DroppedKeyspace = (byte)'d';

    public static ReadOnlySpan<byte> Write(Span<byte> destination, byte prefix, uint keyspace)
    {
        destination[0] = prefix;
        BinaryPrimitives.WriteUInt32BigEndian(destination[1..], keyspace);
        return destination[..SizeBytes];
    }

    public static uint KeyspaceOf(ReadOnlySpan<byte> key) => BinaryPrimitives.ReadUInt32BigEndian(key[1..]);
}

using KvCloud.Node.Storage;

namespace KvCloud.Node.State;

/// <summary>Bounds of ranges in the table of versions, as physical keys.</summary>
internal static class KeyBounds
{
    public static byte[] At(uint keyspace, ReadOnlySpan<byte> key)
    {
        byte[] bound = new byte[MvccKey.KeyspaceSizeBytes + key.Length];
        MvccKey.Write(bound, keyspace, key);
        return bound;
    }

    /// <summary>The first key after this one: the same with a zero byte behind it.</summary>
    public static byte[] After(uint keyspace, ReadOnlySpan<byte> key)
    {
        byte[] bound = new byte[MvccKey.KeyspaceSizeBytes + key.Length + 1];
        MvccKey.Write(bound, keyspace, key);
        return bound;
    }

    public static byte[] StartOf(uint keyspace) => At(keyspace, []);

    /// <summary>The first key that no longer belongs to the keyspace.</summary>
    public static byte[] EndOf(uint keyspace) => At(checked(keyspace + 1), []);
}

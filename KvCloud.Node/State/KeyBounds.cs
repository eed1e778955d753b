using KvCloud.Node.Storage;

namespace KvCloud.Node.State;

/// <summary>Bounds of key ranges in the versions table, as physical keys.</summary>
internal static class KeyBounds
{
    public static byte[] At(uint keyspace, ReadOnlySpan<byte> key)
    {
        byte[] bound = new byte[MvccKey.KeyspaceSizeBytes + key.Length];
        MvccKey.Write(bound, keyspace, key);
        return bound;
    }

    /// <summary>The first key after this one: the key plus a zero byte.</summary>
    public static byte[] After(uint keyspace, ReadOnlySpan<byte> key)
    {
        byte[] bound = new byte[MvccKey.KeyspaceSizeBytes + key.Length + 1];
        MvccKey.Write(bound, keyspace, key);
        return bound;
    }

    public static byte[] StartOf(uint keyspace) => At(keyspace, []);

    /// <summary>The first key after the keyspace.</summary>
    public static byte[] EndOf(uint keyspace) => At(checked(keyspace + 1), []);
}

using System.Buffers.Binary;
using KvCloud.Node.Operations;

namespace KvCloud.Node.State;

/// <summary>
/// A versionstamp: the last ten bytes of a key or value are overwritten with the commit version (8, big-endian) and the
/// operation's index in its transaction (2, big-endian). It is unique and larger than every earlier one.
/// </summary>
internal static class Versionstamp
{
    /// <summary>Turns a versionstamped mutation into a plain set; returns other mutations unchanged.</summary>
    public static Mutation Resolve(
        in Mutation mutation, CommitVersion version, int order, ref List<byte[]>? generated)
    {
        switch (mutation.Kind)
        {
            case MutationKind.SetVersionstampedKey:
                byte[] key = Stamp(mutation.Key, version, order);
                (generated ??= []).Add(key);
                return mutation with { Kind = MutationKind.Set, Key = key };
            case MutationKind.SetVersionstampedValue:
                byte[] value = Stamp(mutation.Value, version, order);
                (generated ??= []).Add(value);
                return mutation with { Kind = MutationKind.Set, Value = value };
            default:
                return mutation;
        }
    }

    private static byte[] Stamp(ReadOnlyMemory<byte> buffer, CommitVersion version, int order)
    {
        byte[] stamped = buffer.ToArray();
        Span<byte> stamp = stamped.AsSpan(stamped.Length - KvLimits.VersionstampSizeBytes);
        BinaryPrimitives.WriteInt64BigEndian(stamp, version.Value);
        BinaryPrimitives.WriteUInt16BigEndian(stamp[sizeof(long)..], checked((ushort)order));
        return stamped;
    }
}

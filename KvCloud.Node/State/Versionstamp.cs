using System.Buffers.Binary;
using KvCloud.Node.Operations;

namespace KvCloud.Node.State;

/// <summary>
/// The last ten bytes of a key or value, overwritten with the commit version (8, big-endian) and the operation's place
/// in its transaction (2, big-endian): larger than every earlier one, and unique.
/// </summary>
internal static class Versionstamp
{
    /// <summary>A versionstamped mutation as the plain set that it comes to; others as they are.</summary>
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

using KvCloud.Node.Operations;
using KvCloud.Node.Storage;

namespace KvCloud.Node.State;

/// <summary>
/// How many keys there are, without asking at every write whether its key was there: of one key in 64, chosen by its
/// hash, apply keeps count, the same on every replica. Few keys are counted one by one when somebody asks.
/// </summary>
internal static class KeyCount
{
    /// <summary>Up to here the answer is exact. A look at so many takes milliseconds.</summary>
    public const int ExactUpTo = 16 * 1024;

    private const int SampledBits = 6;

    public static bool IsSampled(ulong hash) => hash >> (64 - SampledBits) == 0;

    /// <summary>
    /// Exact for few; of more keys n about 19 estimates in 20 are within 16 √n: 5 % of 100,000, 1.6 % of a million.
    /// </summary>
    /// <exception cref="VersionTooOldException">The version has left the window.</exception>
    public static long Of(IKvStore store, Keyspace keyspace, CommitVersion at)
    {
        long estimate = keyspace.SampledKeys << SampledBits;
        if (estimate > 2 * ExactUpTo)
        {
            return estimate;
        }

        long count = 0;
        using var keys = new VisibleKeys(store, keyspace.Id, at);
        for (keys.Seek(KeyBounds.StartOf(keyspace.Id)); keys.IsValid && count <= ExactUpTo; keys.MoveNext())
        {
            count++;
        }

        return keys.IsValid ? Math.Max(count, estimate) : count;
    }
}

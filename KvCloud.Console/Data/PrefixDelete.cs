using KvCloud.Client;
using KvCloud.WebConsole.Sessions;

namespace KvCloud.WebConsole.Data;

/// <summary>
/// Counts and deletes all keys with a prefix. A transaction is limited, so it is several, one after the other: what one
/// has deleted stays deleted when a later one fails.
/// </summary>
public sealed class PrefixDelete(KvCloudClient client, WriteLock writes)
{
    /// <summary>Keys that one transaction deletes at most.</summary>
    public const int BatchKeys = 500;

    /// <summary>A preview counts so many keys at most.</summary>
    public const int MostCounted = 100_000;

    private static readonly TimeSpan BatchTimeout = TimeSpan.FromSeconds(30);

    public async Task<PrefixCount> CountAsync(byte[] prefix, ReadAt at, CancellationToken cancellationToken)
    {
        long keys = 0;
        long bytes = 0;
        KvRange range = KvRange.Prefix(prefix) with { Limit = MostCounted + 1 };
        await foreach (KvEntry entry in client.RangeAsync(range, at.Options, cancellationToken))
        {
            if (keys == MostCounted)
            {
                return new PrefixCount(keys, bytes, IsWhole: false);
            }

            keys++;
            bytes += entry.Key.Length + entry.Value.Length;
        }

        return new PrefixCount(keys, bytes, IsWhole: true);
    }

    /// <summary>Deletes what has the prefix, keys that are written meanwhile included.</summary>
    /// <param name="prefix">At least one byte: everything is nobody's prefix.</param>
    /// <param name="columnFamily">Null: the default one.</param>
    /// <param name="progress">Told after each transaction how many are deleted.</param>
    /// <param name="cancellationToken">Stops before the next transaction.</param>
    /// <returns>How many were deleted.</returns>
    /// <exception cref="WritesLockedException">This page is read-only.</exception>
    /// <exception cref="ArgumentException">The prefix is empty.</exception>
    /// <exception cref="KvCloudException">A transaction failed; those before it hold.</exception>
    public async Task<long> DeleteAsync(
        byte[] prefix, string? columnFamily, Action<long> progress, CancellationToken cancellationToken)
    {
        if (prefix.Length == 0)
        {
            throw new ArgumentException("a prefix has at least one byte", nameof(prefix));
        }

        long deleted = 0;
        while (true)
        {
            writes.Demand();
            int batch = await client.RunAsync(
                transaction => DeleteBatchAsync(transaction, prefix, columnFamily, cancellationToken),
                new KvTransactionOptions { Timeout = BatchTimeout },
                cancellationToken);
            deleted += batch;
            progress(deleted);
            if (batch < BatchKeys)
            {
                return deleted;
            }
        }
    }

    private static async Task<int> DeleteBatchAsync(
        KvTransaction transaction, byte[] prefix, string? columnFamily, CancellationToken cancellationToken)
    {
        var keys = new List<byte[]>(BatchKeys);
        KvRange range = KvRange.Prefix(prefix) with { Limit = BatchKeys };
        await foreach (KvEntry entry in transaction.RangeAsync(range, columnFamily, cancellationToken))
        {
            keys.Add(entry.Key);
        }

        foreach (byte[] key in keys)
        {
            transaction.Delete(key, columnFamily);
        }

        return keys.Count;
    }
}

using KvCloud.Client;
using KvCloud.Protocol;
using KvCloud.WebConsole.Sessions;

namespace KvCloud.WebConsole.Data;

/// <summary>Lists keys, follows one through its versions, and changes it if it is still what was read.</summary>
public sealed class KeyBrowser(KvCloudClient client, WriteLock writes)
{
    public const int PageRows = 100;

    /// <summary>So many versions of a key are looked up at most.</summary>
    public const int MostVersions = 50;

    private static readonly TimeSpan WriteDeadline = TimeSpan.FromSeconds(10);

    /// <summary>All keys with this prefix, in their order.</summary>
    /// <param name="from">The first key of the page; null for the first of all.</param>
    public async Task<KeyPage> ListAsync(
        byte[] prefix, byte[]? from, ReadAt at, CancellationToken cancellationToken)
    {
        var rows = new List<KeyRow>();
        KvRange range = KvRange.Prefix(prefix) with { Limit = PageRows + 1 };
        range = range with { Begin = from ?? range.Begin };
        await foreach (KvEntry entry in client.RangeAsync(range, at.Options, cancellationToken))
        {
            rows.Add(new KeyRow(entry.Key, IsPrefix: false, entry.Value, entry.Version));
        }

        return rows.Count <= PageRows
            ? new KeyPage(rows, null)
            : new KeyPage(rows[..PageRows], rows[PageRows].Key);
    }

    /// <summary>
    /// What is directly below this prefix: keys without the delimiter after it, and one row for each prefix that ends
    /// at the next delimiter. Each row costs one range of a single row, however many keys are below it.
    /// </summary>
    public async Task<KeyPage> ListLevelAsync(
        byte[] prefix, byte[]? from, byte delimiter, ReadAt at, CancellationToken cancellationToken)
    {
        var rows = new List<KeyRow>();
        KvRange range = KvRange.Prefix(prefix) with { Limit = 1 };
        range = range with { Begin = from ?? range.Begin };
        while (await FirstAsync(range, at, cancellationToken) is KvEntry entry)
        {
            if (rows.Count == PageRows)
            {
                return new KeyPage(rows, range.Begin.ToArray());
            }

            int end = entry.Key.AsSpan(prefix.Length).IndexOf(delimiter);
            if (end < 0)
            {
                rows.Add(new KeyRow(entry.Key, IsPrefix: false, entry.Value, entry.Version));
                range = range with { Begin = (byte[])[.. entry.Key, 0] };
                continue;
            }

            byte[] below = entry.Key[..(prefix.Length + end + 1)];
            rows.Add(new KeyRow(below, IsPrefix: true, [], 0));
            if (KvRange.Prefix(below).End is not ReadOnlyMemory<byte> after)
            {
                break;
            }

            range = range with { Begin = after };
        }

        return new KeyPage(rows, null);
    }

    public ValueTask<KvEntry?> GetAsync(byte[] key, ReadAt at, CancellationToken cancellationToken) =>
        client.GetEntryAsync(key, at.Options, cancellationToken);

    /// <summary>
    /// The values of a key within the window of retention, newest first. A gap in which the key did not exist is an
    /// entry without a value.
    /// </summary>
    public async Task<IReadOnlyList<KeyVersion>> HistoryAsync(
        byte[] key, ReadAt at, CancellationToken cancellationToken)
    {
        var history = new List<KeyVersion>();
        long? version = at.Version;
        while (history.Count < MostVersions)
        {
            KvEntry? entry;
            try
            {
                entry = await client.GetEntryAsync(key, at.Options with { AtVersion = version }, cancellationToken);
            }
            catch (KvCloudException error) when (error.ErrorCode == ErrorCode.VERSION_TOO_OLD)
            {
                break;
            }

            if (entry is not KvEntry found)
            {
                history.Add(new KeyVersion(version ?? 0, null));
                break;
            }

            history.Add(new KeyVersion(found.Version, found.Value));
            version = found.Version - 1;
            if (version <= 0)
            {
                break;
            }
        }

        return history;
    }

    /// <summary>Writes or deletes the key in a transaction that fails if the key is no longer what was read.</summary>
    /// <param name="read">The version of the value that was read; null if the key did not exist.</param>
    /// <param name="value">Null deletes the key.</param>
    /// <exception cref="KvCloudException">
    /// Nothing was written, or the outcome is unknown, as the error says.
    /// </exception>
    /// <exception cref="WritesLockedException">This page is read-only.</exception>
    public async Task<SaveOutcome> SaveAsync(
        byte[] key, long? read, byte[]? value, string? columnFamily, CancellationToken cancellationToken)
    {
        writes.Demand();
        KvTransaction transaction = client.BeginTransaction(new KvTransactionOptions { Timeout = WriteDeadline });
        var at = new ReadAt
        {
            ColumnFamily = columnFamily,
            Version = await transaction.GetReadVersionAsync(cancellationToken),
        };

        // Between this read and the commit the conflict key guards; before it, the comparison.
        transaction.AddReadConflict(key, columnFamily);
        KvEntry? current = await GetAsync(key, at, cancellationToken);
        if (current?.Version != read)
        {
            return new SaveOutcome(null, IsConflict: true, current);
        }

        if (value is null)
        {
            transaction.Delete(key, columnFamily);
        }
        else
        {
            transaction.Set(key, value, columnFamily);
        }

        try
        {
            return new SaveOutcome(await transaction.CommitAsync(cancellationToken), IsConflict: false, null);
        }
        catch (KvCloudException error) when (error.ErrorCode == ErrorCode.CONFLICT)
        {
            var now = new ReadAt { ColumnFamily = columnFamily };
            return new SaveOutcome(null, IsConflict: true, await GetAsync(key, now, cancellationToken));
        }
    }

    private async Task<KvEntry?> FirstAsync(KvRange range, ReadAt at, CancellationToken cancellationToken)
    {
        await foreach (KvEntry entry in client.RangeAsync(range, at.Options, cancellationToken))
        {
            return entry;
        }

        return null;
    }
}

using KvCloud.Client;
using KvCloud.Protocol;
using KvCloud.WebConsole.Sessions;

namespace KvCloud.WebConsole.Data;

/// <summary>
/// Imports lines `key TAB value` with the escapes of `kv export --escaped`: first a preview, then what it showed. A key
/// that has changed since the preview is left as it is.
/// </summary>
public sealed class KeyImport(KvCloudClient client, WriteLock writes)
{
    /// <summary>A larger file is for `kv import`.</summary>
    public const int MostFileBytes = 8 * 1024 * 1024;

    public const int MostLines = 50_000;

    private const int BatchRows = 200;
    private const int BatchBytes = 1024 * 1024;
    private const int ReadsAtOnce = 64;
    private const int Attempts = 3;
    private static readonly TimeSpan BatchTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Reads the lines, and what the store holds now.</summary>
    /// <exception cref="KvCloudException">The store cannot be read.</exception>
    public async Task<ImportPreview> PreviewAsync(
        byte[] file, string? columnFamily, CancellationToken cancellationToken)
    {
        var problems = new List<string>();
        List<ImportRow> parsed = Parse(file, problems);
        var at = new ReadAt
        {
            ColumnFamily = columnFamily,
            Version = await client.GetReadVersionAsync(null, cancellationToken),
        };
        var rows = new List<ImportRow>(parsed.Count);
        foreach (ImportRow[] chunk in parsed.Chunk(ReadsAtOnce))
        {
            KvEntry?[] held = await Task.WhenAll(chunk.Select(
                row => client.GetEntryAsync(row.Key, at.Options, cancellationToken).AsTask()));
            rows.AddRange(chunk.Zip(
                held, (row, entry) => row with { Held = entry?.Value, ReadVersion = entry?.Version }));
        }

        return new ImportPreview(rows, problems);
    }

    /// <summary>Writes the rows that differ, some hundred in a transaction.</summary>
    /// <param name="preview">As it was shown.</param>
    /// <param name="columnFamily">Null: the default one.</param>
    /// <param name="progress">Told after each transaction how many rows are written.</param>
    /// <param name="cancellationToken">Stops before the next transaction.</param>
    /// <exception cref="WritesLockedException">This page is read-only.</exception>
    /// <exception cref="KvCloudException">A transaction failed; those before it hold.</exception>
    public async Task<ImportOutcome> WriteAsync(
        ImportPreview preview, string? columnFamily, Action<int> progress, CancellationToken cancellationToken)
    {
        int written = 0;
        var conflicts = new List<int>();
        foreach (List<ImportRow> batch in Batches(preview.Rows.Where(row => !row.IsSame)))
        {
            writes.Demand();
            List<int> changed = await WriteBatchAsync(batch, columnFamily, cancellationToken);
            conflicts.AddRange(changed);
            written += batch.Count - changed.Count;
            progress(written);
        }

        return new ImportOutcome(written, conflicts);
    }

    private static List<ImportRow> Parse(byte[] file, List<string> problems)
    {
        var byKey = new Dictionary<string, ImportRow>(StringComparer.Ordinal);
        int number = 0;
        foreach (Range range in file.AsSpan().TrimEnd((byte)'\n').Split((byte)'\n'))
        {
            ReadOnlySpan<byte> line = file.AsSpan(range);
            number++;
            if (number > MostLines)
            {
                problems.Add($"more than {MostLines} lines: use `kv import` for such a file");
                break;
            }

            int tab = line.IndexOf((byte)'\t');
            if (tab <= 0)
            {
                problems.Add($"line {number}: there is no key with a tab behind it");
                continue;
            }

            try
            {
                byte[] key = EscapedText.Unescape(line[..tab]);
                var row = new ImportRow(number, key, EscapedText.Unescape(line[(tab + 1)..]), null, null);
                if (!byKey.TryAdd(Convert.ToBase64String(key), row))
                {
                    problems.Add($"line {number}: the key is in an earlier line too, which counts");
                }
            }
            catch (FormatException error)
            {
                problems.Add($"line {number}: {error.Message}");
            }
        }

        return [.. byKey.Values.OrderBy(row => row.Line)];
    }

    private static IEnumerable<List<ImportRow>> Batches(IEnumerable<ImportRow> rows)
    {
        var batch = new List<ImportRow>();
        int bytes = 0;
        foreach (ImportRow row in rows)
        {
            if (batch.Count == BatchRows || (batch.Count > 0 && bytes + row.Value.Length > BatchBytes))
            {
                yield return batch;
                batch = [];
                bytes = 0;
            }

            batch.Add(row);
            bytes += row.Key.Length + row.Value.Length;
        }

        if (batch.Count > 0)
        {
            yield return batch;
        }
    }

    /// <returns>The lines whose keys have changed since the preview.</returns>
    private async Task<List<int>> WriteBatchAsync(
        List<ImportRow> batch, string? columnFamily, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            KvTransaction transaction = client.BeginTransaction(new KvTransactionOptions { Timeout = BatchTimeout });
            var at = new ReadAt
            {
                ColumnFamily = columnFamily,
                Version = await transaction.GetReadVersionAsync(cancellationToken),
            };
            var changed = new List<int>();
            foreach (ImportRow[] chunk in batch.Chunk(ReadsAtOnce))
            {
                KvEntry?[] now = await Task.WhenAll(chunk.Select(
                    row => client.GetEntryAsync(row.Key, at.Options, cancellationToken).AsTask()));
                foreach ((ImportRow row, KvEntry? entry) in chunk.Zip(now))
                {
                    if (entry?.Version != row.ReadVersion)
                    {
                        changed.Add(row.Line);
                        continue;
                    }

                    // Between this read and the commit the conflict key guards; before it, the comparison.
                    transaction.AddReadConflict(row.Key, columnFamily);
                    transaction.Set(row.Key, row.Value, columnFamily);
                }
            }

            if (changed.Count == batch.Count)
            {
                return changed;
            }

            try
            {
                await transaction.CommitAsync(cancellationToken);
                return changed;
            }
            catch (KvCloudException error) when (error.ErrorCode == ErrorCode.CONFLICT && attempt < Attempts)
            {
                // One of the keys has just been written: the next attempt finds out which.
            }
        }
    }
}

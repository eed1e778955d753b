namespace KvCloud.Client.Transactions;

/// <summary>Overlays a transaction's own writes on the rows from the store: read-your-writes for ranges.</summary>
internal static class RangeOverlay
{
    /// <summary>
    /// Merges both inputs, which are in key order, as is the result. An own write replaces a row, an own delete removes
    /// it.
    /// </summary>
    public static IEnumerable<KvEntry> Merge(KvEntry[] rows, List<BufferedWrite> own)
    {
        int row = 0;
        int write = 0;
        while (row < rows.Length || write < own.Count)
        {
            int order = row == rows.Length ? 1
                : write == own.Count ? -1
                : KeyBytes.Compare(rows[row].Key, own[write].Key);
            if (order < 0)
            {
                yield return rows[row++];
                continue;
            }

            if (order == 0)
            {
                row++;
            }

            BufferedWrite mine = own[write++];
            if (mine.Kind == WriteKind.Set)
            {
                yield return new KvEntry([.. mine.Key], [.. mine.Value], 0);
            }
        }
    }
}

namespace KvCloud.Cli.Transfer;

/// <summary>
/// Of several entries with one key only the last is in the store after an import: the others are not compared.
/// </summary>
internal static class LastOfEachKey
{
    public static async Task<List<TransferItem>> TakeAsync(
        IAsyncEnumerable<TransferItem> items, CancellationToken cancellationToken)
    {
        var byKey = new Dictionary<string, TransferItem>(StringComparer.Ordinal);
        var problems = new List<TransferItem>();
        await foreach (TransferItem item in items.WithCancellation(cancellationToken))
        {
            if (item.Problem is null)
            {
                byKey[Convert.ToBase64String(item.Key)] = item;
            }
            else
            {
                problems.Add(item);
            }
        }

        return [.. problems, .. byKey.Values];
    }
}

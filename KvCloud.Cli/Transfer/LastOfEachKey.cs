namespace KvCloud.Cli.Transfer;

/// <summary>
/// If several entries have the same key, only the last one is in the store after an import, so the others are not
/// compared.
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

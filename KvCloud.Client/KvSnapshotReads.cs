namespace KvCloud.Client;

/// <summary>Snapshot reads of a transaction: they add no read conflict, so others may write what they read.</summary>
public sealed class KvSnapshotReads
{
    private readonly KvTransaction _transaction;

    internal KvSnapshotReads(KvTransaction transaction) => _transaction = transaction;

    /// <summary>
    /// As <see cref="KvTransaction.GetAsync(ReadOnlyMemory{byte}, string?, CancellationToken)"/>, without a conflict.
    /// </summary>
    /// <param name="key">The key, one byte or more.</param>
    /// <param name="columnFamily">The column family; null for `default`.</param>
    /// <param name="cancellationToken">Cancels waiting for the answer.</param>
    public ValueTask<byte[]?> GetAsync(
        ReadOnlyMemory<byte> key, string? columnFamily = null, CancellationToken cancellationToken = default) =>
        _transaction.GetAsync(key, columnFamily, isSnapshot: true, cancellationToken);

    /// <summary>
    /// As <see cref="KvTransaction.RangeAsync(KvRange, string?, CancellationToken)"/>, without a conflict.
    /// </summary>
    /// <param name="range">The range.</param>
    /// <param name="columnFamily">The column family; null for `default`.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    public IAsyncEnumerable<KvEntry> RangeAsync(
        KvRange range, string? columnFamily = null, CancellationToken cancellationToken = default) =>
        _transaction.RangeAsync(range, columnFamily, isSnapshot: true, cancellationToken);
}

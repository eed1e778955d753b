using System.Runtime.CompilerServices;
using KvCloud.Client.Transactions;
using KvCloud.Protocol;

namespace KvCloud.Client;

/// <summary>
/// An optimistic transaction: reads one moment of the database, sees its own writes, and commits only if nothing it
/// read has been written since. Get one by <see cref="KvCloudClient.RunAsync{T}"/>, which also runs it anew after a
/// conflict. Reads may run side by side; writes, reads and commit of one transaction are otherwise the business of one
/// caller.
/// </summary>
public sealed class KvTransaction
{
    private const int StampSizeBytes = 10;

    private readonly KvCloudClient _client;
    private readonly KvTransactionOptions _options;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, WriteBuffer> _buffers = new(StringComparer.Ordinal);
    private readonly List<BufferedWrite> _writes = [];
    private readonly List<ReadKey> _readKeys = [];
    private readonly List<ReadRange> _readRanges = [];
    private Task<long>? _readVersion;
    private bool _isClosed;

    internal KvTransaction(KvCloudClient client, KvTransactionOptions options)
    {
        _client = client;
        _options = options;
        Snapshot = new KvSnapshotReads(this);
    }

    /// <summary>Snapshot reads: at the transaction's version, without a read conflict.</summary>
    public KvSnapshotReads Snapshot { get; }

    /// <summary>
    /// The version of a commit that took effect; null before it, and for a transaction that wrote nothing.
    /// </summary>
    public long? CommittedVersion { get; private set; }

    /// <summary>The moment this transaction reads; asked for once, at the first read.</summary>
    /// <param name="cancellationToken">Cancels waiting for the answer.</param>
    public ValueTask<long> GetReadVersionAsync(CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            ThrowIfClosed();
            _readVersion ??= _client
                .GetReadVersionAsync(new KvReadOptions { Timeout = _options.CallTimeout }, cancellationToken)
                .AsTask();
            return new ValueTask<long>(_readVersion);
        }
    }

    /// <summary>Reads a key; null where there is none. The transaction's own writes come first.</summary>
    /// <param name="key">The key, one byte or more.</param>
    /// <param name="columnFamily">The column family; null for `default`.</param>
    /// <param name="cancellationToken">Cancels waiting for the answer.</param>
    /// <exception cref="KvCloudException">The read failed.</exception>
    public ValueTask<byte[]?> GetAsync(
        ReadOnlyMemory<byte> key, string? columnFamily = null, CancellationToken cancellationToken = default) =>
        GetAsync(key, columnFamily, isSnapshot: false, cancellationToken);

    /// <summary>Reads a range in key order, page by page. The transaction's own writes are among the rows.</summary>
    /// <param name="range">The range.</param>
    /// <param name="columnFamily">The column family; null for `default`.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <exception cref="KvCloudException">The read failed.</exception>
    public IAsyncEnumerable<KvEntry> RangeAsync(
        KvRange range, string? columnFamily = null, CancellationToken cancellationToken = default) =>
        RangeAsync(range, columnFamily, isSnapshot: false, cancellationToken);

    /// <summary>Writes a key at the commit.</summary>
    /// <param name="key">The key, one byte or more; copied.</param>
    /// <param name="value">The value; copied.</param>
    /// <param name="columnFamily">The column family; null for `default`.</param>
    public void Set(ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, string? columnFamily = null) =>
        Buffer(new BufferedWrite(WriteKind.Set, Named(columnFamily), Checked(key), value.ToArray()));

    /// <summary>Removes a key at the commit; a key that does not exist is no error.</summary>
    /// <param name="key">The key, one byte or more; copied.</param>
    /// <param name="columnFamily">The column family; null for `default`.</param>
    public void Delete(ReadOnlyMemory<byte> key, string? columnFamily = null) =>
        Buffer(new BufferedWrite(WriteKind.Delete, Named(columnFamily), Checked(key), []));

    /// <summary>Writes a key whose last ten bytes the commit overwrites with its version and order.</summary>
    /// <param name="key">The key with ten bytes of room at its end; copied.</param>
    /// <param name="value">The value; copied.</param>
    /// <param name="columnFamily">The column family; null for `default`.</param>
    /// <returns>Tells the key once the transaction is committed.</returns>
    public KvVersionstampHandle SetVersionstampedKey(
        ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, string? columnFamily = null)
    {
        ThrowIfNoRoom(key, nameof(key));
        var handle = new KvVersionstampHandle();
        Buffer(new BufferedWrite(WriteKind.VersionstampedKey, Named(columnFamily), key.ToArray(), value.ToArray())
        {
            Handle = handle,
        });
        return handle;
    }

    /// <summary>Writes a value whose last ten bytes the commit overwrites with its version and order.</summary>
    /// <param name="key">The key, one byte or more; copied.</param>
    /// <param name="value">The value with ten bytes of room at its end; copied.</param>
    /// <param name="columnFamily">The column family; null for `default`.</param>
    /// <returns>Tells the value once the transaction is committed.</returns>
    public KvVersionstampHandle SetVersionstampedValue(
        ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, string? columnFamily = null)
    {
        ThrowIfNoRoom(value, nameof(value));
        var handle = new KvVersionstampHandle();
        Buffer(new BufferedWrite(WriteKind.VersionstampedValue, Named(columnFamily), Checked(key), value.ToArray())
        {
            Handle = handle,
        });
        return handle;
    }

    /// <summary>Adds a read conflict on a key, as if the transaction had read it.</summary>
    /// <param name="key">The key, one byte or more; copied.</param>
    /// <param name="columnFamily">The column family; null for `default`.</param>
    public void AddReadConflict(ReadOnlyMemory<byte> key, string? columnFamily = null)
    {
        byte[] copy = Checked(key);
        lock (_lock)
        {
            ThrowIfClosed();
            _readKeys.Add(new ReadKey(Named(columnFamily), copy));
        }
    }

    /// <summary>Adds a read conflict on a range, as if the transaction had read it.</summary>
    /// <param name="range">The range; its limits on rows and bytes are ignored.</param>
    /// <param name="columnFamily">The column family; null for `default`.</param>
    public void AddReadConflict(KvRange range, string? columnFamily = null)
    {
        lock (_lock)
        {
            ThrowIfClosed();
            _readRanges.Add(new ReadRange(Named(columnFamily), range.Begin.ToArray(), range.End?.ToArray()));
        }
    }

    /// <summary>Commits. A transaction that wrote nothing has nothing to commit and asks no server.</summary>
    /// <param name="cancellationToken">Cancels waiting; the commit may still happen.</param>
    /// <returns>The commit version; for a transaction that wrote nothing the version it read, or 0.</returns>
    /// <exception cref="KvCloudException">CONFLICT when something it read was written meanwhile.</exception>
    public async ValueTask<long> CommitAsync(CancellationToken cancellationToken = default)
    {
        List<BufferedWrite> writes;
        lock (_lock)
        {
            ThrowIfClosed();
            writes = _writes.FindAll(write => !write.IsSuperseded);
        }

        bool readSomething = _readKeys.Count + _readRanges.Count > 0;
        long readVersion = _readVersion is not null || (readSomething && writes.Count > 0)
            ? await GetReadVersionAsync(cancellationToken).ConfigureAwait(false)
            : 0;
        lock (_lock)
        {
            ThrowIfClosed();
            _isClosed = true;
        }

        if (writes.Count == 0)
        {
            return readVersion;
        }

        var call = new CommitCall(readVersion, writes, _readKeys, _readRanges);
        (long version, byte[][] generated) = await _client
            .CommitAsync(call, _options, cancellationToken)
            .ConfigureAwait(false);
        CommittedVersion = version;
        Settle(writes, generated);
        return version;
    }

    internal async ValueTask<byte[]?> GetAsync(
        ReadOnlyMemory<byte> key, string? columnFamily, bool isSnapshot, CancellationToken cancellationToken)
    {
        KvCloudClient.CheckKey(key);
        columnFamily = Named(columnFamily);
        lock (_lock)
        {
            ThrowIfClosed();
            if (OwnWrite(key.Span, columnFamily) is { } own)
            {
                return own.Kind == WriteKind.Set ? [.. own.Value] : null;
            }

            if (!isSnapshot)
            {
                _readKeys.Add(new ReadKey(columnFamily, key.ToArray()));
            }
        }

        long version = await GetReadVersionAsync(cancellationToken).ConfigureAwait(false);
        return await _client.GetAsync(key, At(version, columnFamily), cancellationToken).ConfigureAwait(false);
    }

    internal async IAsyncEnumerable<KvEntry> RangeAsync(
        KvRange range,
        string? columnFamily,
        bool isSnapshot,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        columnFamily = Named(columnFamily);
        KvReadOptions read = At(await GetReadVersionAsync(cancellationToken).ConfigureAwait(false), columnFamily);
        byte[] begin = range.Begin.ToArray();
        bool inclusive = true;
        int left = range.Limit;
        bool hasMore = true;
        while (hasMore)
        {
            // A page may lose as many rows to the transaction's own deletes as it has writes there.
            byte[] ownBegin = inclusive ? begin : KeyBytes.After(begin);
            int ownCount = OwnRange(ownBegin, range.End, columnFamily).Count;
            KvRange wanted = range with { Begin = begin, Limit = range.Limit == 0 ? 0 : left + ownCount };
            KvPage page = await _client.ReadPageAsync(wanted, inclusive, read, cancellationToken).ConfigureAwait(false);
            hasMore = page.HasMore;
            byte[]? last = hasMore ? page.Rows[^1].Key : null;
            byte[]? ownEnd = last is null ? range.End?.ToArray() : KeyBytes.After(last);
            List<BufferedWrite> own = OwnRange(ownBegin, ownEnd, columnFamily);
            if (!isSnapshot)
            {
                HoldPage(begin, last, range.End?.ToArray(), columnFamily);
            }

            foreach (KvEntry row in RangeOverlay.Merge(page.Rows, own))
            {
                yield return row;
                if (range.Limit > 0 && --left == 0)
                {
                    yield break;
                }
            }

            begin = last ?? [];
            inclusive = false;
        }
    }

    private static string? Named(string? columnFamily) => columnFamily is "default" ? null : columnFamily;

    private static byte[] Checked(ReadOnlyMemory<byte> key)
    {
        KvCloudClient.CheckKey(key);
        return key.ToArray();
    }

    private static void ThrowIfNoRoom(ReadOnlyMemory<byte> buffer, string name)
    {
        if (buffer.Length < StampSizeBytes)
        {
            throw new ArgumentException($"A versionstamp needs {StampSizeBytes} bytes of room at the end.", name);
        }
    }

    private KvReadOptions At(long version, string? columnFamily) => new()
    {
        AtVersion = version,
        ColumnFamily = columnFamily,
        Timeout = _options.CallTimeout,
    };

    private void Buffer(BufferedWrite write)
    {
        lock (_lock)
        {
            ThrowIfClosed();
            string name = write.ColumnFamily ?? "";
            if (!_buffers.TryGetValue(name, out WriteBuffer? buffer))
            {
                buffer = new WriteBuffer();
                _buffers.Add(name, buffer);
            }

            buffer.Add(write);
            _writes.Add(write);
        }
    }

    private BufferedWrite? OwnWrite(ReadOnlySpan<byte> key, string? columnFamily) =>
        _buffers.TryGetValue(columnFamily ?? "", out WriteBuffer? buffer) ? buffer.Get(key) : null;

    private List<BufferedWrite> OwnRange(ReadOnlyMemory<byte> begin, ReadOnlyMemory<byte>? end, string? columnFamily)
    {
        lock (_lock)
        {
            ThrowIfClosed();
            return _buffers.TryGetValue(columnFamily ?? "", out WriteBuffer? buffer)
                ? buffer.Range(begin.Span, end)
                : [];
        }
    }

    /// <summary>
    /// The part of a range that a page has covered is read now. It ends at the last row, which counts by itself: the
    /// key right behind a key of the greatest size would be over the limit of keys.
    /// </summary>
    private void HoldPage(byte[] begin, byte[]? last, byte[]? end, string? columnFamily)
    {
        lock (_lock)
        {
            _readRanges.Add(new ReadRange(columnFamily, begin, last ?? end));
            if (last is not null)
            {
                _readKeys.Add(new ReadKey(columnFamily, last));
            }
        }
    }

    private static void Settle(List<BufferedWrite> writes, byte[][] generated)
    {
        int next = 0;
        foreach (KvVersionstampHandle handle in writes.Select(write => write.Handle).OfType<KvVersionstampHandle>())
        {
            // An older server commits but does not tell what it generated.
            if (next < generated.Length)
            {
                handle.Settle(generated[next++]);
            }
        }
    }

    private void ThrowIfClosed()
    {
        if (_isClosed)
        {
            throw new InvalidOperationException("The transaction is committed or has failed; begin another.");
        }
    }
}

using System.Buffers;
using System.Runtime.CompilerServices;
using KvCloud.Consensus;
using KvCloud.Node.Access;
using KvCloud.Node.Operations;
using KvCloud.Node.Storage;

namespace KvCloud.Node.State;

/// <summary>
/// Reads what has been applied. Thread-safe and lock-free; apply continues meanwhile. Every read sees one consistent
/// version.
/// </summary>
internal sealed class KvReader
{
    private const int StackKeyBytes = 256;
    private const int StackValueBytes = 1024;

    private readonly IKvStore _store;
    private readonly PublishedState _published;
    private readonly TransactionCounts _transactions;
    private readonly StoreHealth _health;

    public KvReader(IKvStore store, PublishedState published, TransactionCounts transactions, StoreHealth health)
    {
        _health = health;
        _store = store;
        _published = published;
        _transactions = transactions;
    }


    /// <summary>Ordered by name; `default` is always among them.</summary>
    public IReadOnlyList<string> ColumnFamilies => _published.Keyspaces.Names;

    /// <summary>Users and roles, as of what is applied here.</summary>
    public AccessCatalog Access => _published.Access;

    /// <summary>The group's feature level, as of what is applied here.</summary>
    public int FeatureLevel => _published.Applied.FeatureLevel;

    /// <summary>The newest version readable here.</summary>
    public CommitVersion AppliedVersion => _published.Applied.Version;

    public Slot AppliedSlot => _published.Applied.Slot;

    /// <summary>Reads at lower versions are answered VERSION_TOO_OLD.</summary>
    public CommitVersion OldestReadableVersion => _published.OldestReadable;

    /// <summary>
    /// The damage that an exception of a read tells of, in a sentence; null if it is another. Most damage the store has
    /// noted itself, but a record may also make no sense although its checksum is right.
    /// </summary>
    public string? NoteDamage(Exception exception)
    {
        if (exception is not StoreCorruptException corrupt)
        {
            return null;
        }

        _health.Report(StoreDamage.Of(corrupt));
        return _health.Damage?.Sentence;
    }

    /// <summary>Reads the newest value, or the value at a version that the caller has waited for.</summary>
    public GetResult Get(string? columnFamily, ReadOnlyMemory<byte> key, CommitVersion? at)
    {
        if (CommandValidator.ValidateKey(key.Length) is CommandResult refused)
        {
            return new GetResult(refused.Code, null, default, refused.Message);
        }

        KeyspaceCatalog keyspaces = _published.Keyspaces;
        if (keyspaces.Find(columnFamily) is not Keyspace keyspace)
        {
            return ColumnFamilyNotFound(columnFamily);
        }

        GetResult result = at is CommitVersion version
            ? GetAt(keyspace, key.Span, version)
            : GetNewest(keyspace, key.Span);
        return WasDropped(keyspace) ? ColumnFamilyNotFound(columnFamily) : result;
    }

    /// <summary>Reads a whole range, however long that takes.</summary>
    public RangeResult GetRange(string? columnFamily, in RangeQuery query, CommitVersion? at)
    {
        using RangeScan? scan = OpenRange(columnFamily, query, at, out RangeResult refused);
        if (scan is null)
        {
            return refused;
        }

        while (!scan.Advance(int.MaxValue))
        {
            // No range has this many keys.
        }

        return ResultOf(scan);
    }

    /// <summary>
    /// Begins a range read that the caller advances in steps; null when it is refused. The caller disposes of it.
    /// </summary>
    public RangeScan? OpenRange(string? columnFamily, in RangeQuery query, CommitVersion? at, out RangeResult refused)
    {
        refused = NothingRefused;
        if (RangeScan.Validate(query) is string error)
        {
            refused = Refuse(KvStatus.InvalidArgument, error);
            return null;
        }

        if (_published.Keyspaces.Find(columnFamily) is not Keyspace keyspace)
        {
            refused = Refuse(KvStatus.ColumnFamilyNotFound, VersionErrors.ColumnFamilyNotFoundText(columnFamily));
            return null;
        }

        return at is CommitVersion asked
            ? OpenRangeAt(keyspace, query, asked, out refused)
            : OpenNewestRange(keyspace, query);
    }

    /// <summary>The result of a completed scan.</summary>
    public RangeResult ResultOf(RangeScan scan) => WasDropped(scan.Keyspace)
        ? Refuse(KvStatus.ColumnFamilyNotFound, VersionErrors.ColumnFamilyNotFoundText(scan.Keyspace.Name))
        : scan.Result;

    /// <summary>
    /// Visits every key of small column families, so it must not run on a thread that others wait for.
    /// </summary>
    public StoreStatistics GetStatistics()
    {
        StoreFigures figures = _store.GetFigures();
        return new StoreStatistics(
            CountKeys(),
            figures.SizeBytes,
            _transactions.Committed,
            _transactions.Refused,
            figures.CacheHitPercent,
            figures.CompactionPendingBytes,
            figures.Details);
    }

    /// <summary>Of all column families; see <see cref="KeyCount.Of"/>.</summary>
    public long CountKeys()
    {
        long keys = 0;
        foreach (Keyspace keyspace in _published.Keyspaces.Keyspaces)
        {
            keys += AtNewest(version => KeyCount.Of(_store, keyspace, version));
        }

        return keys;
    }

    [SkipLocalsInit]
    private GetResult GetNewest(Keyspace keyspace, ReadOnlySpan<byte> key)
    {
        byte[]? rented = RentFor(key);
        Span<byte> physicalKey = rented ?? stackalloc byte[StackKeyBytes + MvccKey.KeyspaceSizeBytes];
        var buffer = new ValueBuffer(stackalloc byte[StackValueBytes]);
        bool found = _store.TryGetNewest(MvccKey.Write(physicalKey, keyspace.Id, key), ref buffer);
        GetResult result = found ? ResultOf(VersionedValue.Parse(buffer.Value)) : NotFound;
        buffer.Dispose();
        Return(rented);
        return result;
    }

    [SkipLocalsInit]
    private GetResult GetAt(Keyspace keyspace, ReadOnlySpan<byte> key, CommitVersion at)
    {
        if (CheckVersion(at) is (KvStatus code, string message))
        {
            return new GetResult(code, null, default, message);
        }

        if (keyspace.CreatedAt > at)
        {
            return ColumnFamilyNotFound(keyspace.Name);
        }

        byte[]? rented = RentFor(key);
        Span<byte> physicalKey = rented ?? stackalloc byte[StackKeyBytes + MvccKey.KeyspaceSizeBytes];
        var buffer = new ValueBuffer(stackalloc byte[StackValueBytes]);
        GetResult result;
        try
        {
            bool found = _store.TryGetAt(MvccKey.Write(physicalKey, keyspace.Id, key), at, ref buffer);
            result = found ? ResultOf(VersionedValue.Parse(buffer.Value)) : NotFound;
        }
        catch (VersionTooOldException)
        {
            result = new GetResult(KvStatus.VersionTooOld, null, default, TooOldText(at));
        }

        buffer.Dispose();
        Return(rented);
        return result;
    }

    private RangeScan? OpenRangeAt(Keyspace keyspace, in RangeQuery query, CommitVersion at, out RangeResult refused)
    {
        refused = NothingRefused;
        if (CheckVersion(at) is (KvStatus code, string message))
        {
            refused = Refuse(code, message);
            return null;
        }

        if (keyspace.CreatedAt > at)
        {
            refused = Refuse(
                KvStatus.ColumnFamilyNotFound, VersionErrors.ColumnFamilyNotFoundText(keyspace.Name));
            return null;
        }

        try
        {
            return new RangeScan(_store, keyspace, query, at);
        }
        catch (VersionTooOldException)
        {
            refused = Refuse(KvStatus.VersionTooOld, TooOldText(at));
            return null;
        }
    }

    /// <summary>A published keyspace was created at a version that is visible in the store.</summary>
    private RangeScan OpenNewestRange(Keyspace keyspace, RangeQuery query) =>
        AtNewest(version => new RangeScan(_store, keyspace, query, version));

    /// <summary>
    /// Reads at the newest version visible in the store, which may be ahead of the published one, as point reads do.
    /// When next to nothing is retained, that version may leave the window before the read begins.
    /// </summary>
    private T AtNewest<T>(Func<CommitVersion, T> read)
    {
        const int Attempts = 100;
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return read(NewestStoredVersion());
            }
            catch (VersionTooOldException) when (attempt < Attempts)
            {
                // A newer version exists by now: try that.
            }
        }
    }

    private CommitVersion NewestStoredVersion()
    {
        var buffer = new ValueBuffer(stackalloc byte[StateRecord.MaxSizeBytes]);
        CommitVersion version = _store.TryGet(KvTable.Meta, StateRecord.Key, ref buffer)
            ? StateRecord.Read(buffer.Value).AppliedVersion
            : CommitVersion.Zero;
        buffer.Dispose();
        return version;
    }

    /// <summary>
    /// Null when the version can be read. A read that has begun is unaffected when its version leaves the window.
    /// </summary>
    private (KvStatus Code, string Message)? CheckVersion(CommitVersion at)
    {
        CommitVersion applied = AppliedVersion;
        if (at > applied)
        {
            return (KvStatus.VersionInFuture, VersionErrors.InFutureText("read_version", at, applied));
        }

        return at < OldestReadableVersion ? (KvStatus.VersionTooOld, TooOldText(at)) : null;
    }

    private string TooOldText(CommitVersion at) => VersionErrors.TooOldText("read_version", at, OldestReadableVersion);

    /// <summary>
    /// Checked after a read: if the keyspace was dropped and emptied meanwhile, what the read saw was never a state of
    /// the database.
    /// </summary>
    private bool WasDropped(Keyspace keyspace) => keyspace.Id != 0 && !_published.Keyspaces.Contains(keyspace.Id);

    private static GetResult NotFound => new(KvStatus.Ok, null, default);

    private static GetResult ResultOf(VersionedValue value) =>
        value.IsTombstone ? NotFound : new GetResult(KvStatus.Ok, value.Value.ToArray(), value.Version);

    private static GetResult ColumnFamilyNotFound(string? name) => new(
        KvStatus.ColumnFamilyNotFound, null, default, VersionErrors.ColumnFamilyNotFoundText(name));

    private static RangeResult NothingRefused { get; } = new(KvStatus.Ok, [], false, default);

    private static RangeResult Refuse(KvStatus code, string message) => new(code, [], false, default, message);

    private static byte[]? RentFor(ReadOnlySpan<byte> key) => key.Length <= StackKeyBytes
        ? null
        : ArrayPool<byte>.Shared.Rent(key.Length + MvccKey.KeyspaceSizeBytes);

    private static void Return(byte[]? rented)
    {
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }
}

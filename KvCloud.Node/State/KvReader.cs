using System.Buffers;
using System.Runtime.CompilerServices;
using KvCloud.Consensus;
using KvCloud.Node.Storage;
using KvCloud.Protocol;

namespace KvCloud.Node.State;

/// <summary>
/// Reads of what has been applied. Thread-safe and without locks; apply goes on meanwhile. Every read sees one moment.
/// </summary>
internal sealed class KvReader
{
    private const int StackKeyBytes = 256;
    private const int StackValueBytes = 1024;

    private readonly IKvStore _store;
    private readonly PublishedState _published;
    private readonly TransactionCounts _transactions;

    public KvReader(IKvStore store, PublishedState published, TransactionCounts transactions)
    {
        _store = store;
        _published = published;
        _transactions = transactions;
    }

    /// <summary>Ordered by name; `default` is always among them.</summary>
    public IReadOnlyList<string> ColumnFamilies => _published.Keyspaces.Names;

    /// <summary>The newest version that can be read here.</summary>
    public CommitVersion AppliedVersion => _published.Applied.Version;

    public Slot AppliedSlot => _published.Applied.Slot;

    /// <summary>Reads below it answer VERSION_TOO_OLD.</summary>
    public CommitVersion OldestReadableVersion => _published.OldestReadable;

    /// <summary>The newest value, or the one at a version that the caller has waited for.</summary>
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

    public RangeResult GetRange(string? columnFamily, in RangeQuery query, CommitVersion? at)
    {
        if (RangeReader.Validate(query) is string error)
        {
            return Refuse(ErrorCode.INVALID_ARGUMENT, error);
        }

        if (_published.Keyspaces.Find(columnFamily) is not Keyspace keyspace)
        {
            return Refuse(ErrorCode.COLUMN_FAMILY_NOT_FOUND, VersionErrors.ColumnFamilyNotFoundText(columnFamily));
        }

        using IKvSnapshot snapshot = _store.CreateSnapshot();
        StateRecord state = ReadState(snapshot);
        CommitVersion version = at ?? state.AppliedVersion;
        if (version > state.AppliedVersion)
        {
            return Refuse(
                ErrorCode.VERSION_IN_FUTURE,
                VersionErrors.InFutureText("read_version", version, state.AppliedVersion));
        }

        if (version < state.OldestReadable)
        {
            return Refuse(
                ErrorCode.VERSION_TOO_OLD,
                VersionErrors.TooOldText("read_version", version, state.OldestReadable));
        }

        RangeResult result = keyspace.CreatedAt > version
            ? Refuse(ErrorCode.COLUMN_FAMILY_NOT_FOUND, VersionErrors.ColumnFamilyNotFoundText(columnFamily))
            : RangeReader.Read(snapshot, keyspace.Id, query, version);

        // Asked last: what leaves the window goes from under snapshots too. The snapshot's own moment needs no history.
        CommitVersion oldest = OldestReadableVersion;
        if (version < oldest && version < state.AppliedVersion)
        {
            return Refuse(ErrorCode.VERSION_TOO_OLD, VersionErrors.TooOldText("read_version", version, oldest));
        }

        return WasDropped(keyspace)
            ? Refuse(ErrorCode.COLUMN_FAMILY_NOT_FOUND, VersionErrors.ColumnFamilyNotFoundText(columnFamily))
            : result;
    }

    public StoreStatistics GetStatistics()
    {
        StoreFigures figures = _store.GetFigures();
        long totalKeys = 0;
        foreach (Keyspace keyspace in _published.Keyspaces.Keyspaces)
        {
            totalKeys += keyspace.LiveKeys;
        }

        return new StoreStatistics(
            totalKeys,
            figures.SizeBytes,
            _transactions.Committed,
            _transactions.Refused,
            figures.CacheHitPercent,
            figures.CompactionPendingBytes,
            figures.Details);
    }

    [SkipLocalsInit]
    private GetResult GetNewest(Keyspace keyspace, ReadOnlySpan<byte> key)
    {
        byte[]? rented = RentFor(key);
        Span<byte> physicalKey = rented ?? stackalloc byte[StackKeyBytes + MvccKey.MaxOverheadBytes];
        var buffer = new ValueBuffer(stackalloc byte[StackValueBytes]);
        bool found = _store.TryGet(KvTable.Current, MvccKey.Current(physicalKey, keyspace.Id, key), ref buffer);
        GetResult result = found ? ResultOf(VersionedValue.Parse(buffer.Value)) : NotFound;
        buffer.Dispose();
        Return(rented);
        return result;
    }

    [SkipLocalsInit]
    private GetResult GetAt(Keyspace keyspace, ReadOnlySpan<byte> key, CommitVersion at)
    {
        CommitVersion applied = AppliedVersion;
        if (at > applied)
        {
            return new GetResult(
                ErrorCode.VERSION_IN_FUTURE, null, default, VersionErrors.InFutureText("read_version", at, applied));
        }

        if (keyspace.CreatedAt > at)
        {
            return ColumnFamilyNotFound(keyspace.Name);
        }

        byte[]? rented = RentFor(key);
        Span<byte> physicalKey = rented ?? stackalloc byte[StackKeyBytes + MvccKey.MaxOverheadBytes];
        var buffer = new ValueBuffer(stackalloc byte[StackValueBytes]);
        GetResult result = NotFound;
        if (_store.TryGet(KvTable.Current, MvccKey.Current(physicalKey, keyspace.Id, key), ref buffer))
        {
            VersionedValue newest = VersionedValue.Parse(buffer.Value);
            if (newest.Version <= at)
            {
                result = ResultOf(newest);
            }
            else if (HistoryReader.TryFind(_store, keyspace.Id, key, at, newest.Version, newest.Link, physicalKey, ref buffer))
            {
                result = ResultOf(VersionedValue.Parse(buffer.Value));
            }
        }

        buffer.Dispose();
        Return(rented);

        // Asked last: the window is moved before anything that it frees is deleted.
        CommitVersion oldest = OldestReadableVersion;
        return at < oldest
            ? new GetResult(
                ErrorCode.VERSION_TOO_OLD, null, default, VersionErrors.TooOldText("read_version", at, oldest))
            : result;
    }

    private static StateRecord ReadState(IKvSnapshot snapshot)
    {
        var buffer = new ValueBuffer(stackalloc byte[128]);
        StateRecord state = snapshot.TryGet(KvTable.Meta, StateRecord.Key, ref buffer)
            ? StateRecord.Read(buffer.Value)
            : default;
        buffer.Dispose();
        return state;
    }

    /// <summary>
    /// Asked after a read: while it was going on the keyspace may have been emptied, and that emptiness was never a state.
    /// </summary>
    private bool WasDropped(Keyspace keyspace) => keyspace.Id != 0 && !_published.Keyspaces.Contains(keyspace.Id);

    private static GetResult NotFound => new(ErrorCode.OK, null, default);

    private static GetResult ResultOf(VersionedValue value) =>
        value.IsTombstone ? NotFound : new GetResult(ErrorCode.OK, value.Value.ToArray(), value.Version);

    private static GetResult ColumnFamilyNotFound(string? name) => new(
        ErrorCode.COLUMN_FAMILY_NOT_FOUND, null, default, VersionErrors.ColumnFamilyNotFoundText(name));

    private static RangeResult Refuse(ErrorCode code, string message) => new(code, [], false, default, message);

    private static byte[]? RentFor(ReadOnlySpan<byte> key) => key.Length <= StackKeyBytes
        ? null
        : ArrayPool<byte>.Shared.Rent(key.Length + MvccKey.MaxOverheadBytes);

    private static void Return(byte[]? rented)
    {
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }
}

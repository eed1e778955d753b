using KvCloud.Node.Operations;
using KvCloud.Node.Storage;
using KvCloud.Protocol;

namespace KvCloud.Node.State;

/// <summary>Whether anything that a transaction read was written after its read version.</summary>
/// <remarks>
/// The answer must not depend on how slots were grouped into batches, nor on what collection has already deleted: ranges
/// are walked in key order over the store and the batch under way as one, and only keys that every replica still
/// has to have are counted.
/// </remarks>
internal sealed class ConflictChecker(IKvStore store, KeyWriter keys)
{
    private readonly List<WriteOverlay.Entry> _pendingInRange = [];

    /// <summary>Null when the transaction may commit.</summary>
    public CommandResult? Check(CommitCommand commit, KeyspaceCatalog keyspaces, CommitVersion oldestReadable)
    {
        if (commit.ConflictKeys.Count + commit.ConflictRanges.Count == 0)
        {
            return null;
        }

        if (commit.ReadVersion < oldestReadable)
        {
            return VersionErrors.TooOld("read_version", commit.ReadVersion, oldestReadable);
        }

        foreach (ConflictKey key in commit.ConflictKeys)
        {
            Keyspace keyspace = keyspaces.Find(key.ColumnFamily)!;
            CommitVersion written = Newer(keyspace.CreatedAt, keys.NewestVersionOf(keyspace, key.Key.Span));
            if (written > commit.ReadVersion)
            {
                return Conflict("a key", written, commit.ReadVersion);
            }
        }

        int budget = KvLimits.ConflictRangeKeys;
        foreach (ConflictRange range in commit.ConflictRanges)
        {
            if (CheckRange(range, keyspaces.Find(range.ColumnFamily)!, commit.ReadVersion, oldestReadable, ref budget)
                is CommandResult refused)
            {
                return refused;
            }
        }

        return null;
    }

    private CommandResult? CheckRange(
        in ConflictRange range,
        Keyspace keyspace,
        CommitVersion readVersion,
        CommitVersion oldestReadable,
        ref int budget)
    {
        if (keyspace.CreatedAt > readVersion)
        {
            return Conflict("a column family", keyspace.CreatedAt, readVersion);
        }

        byte[] begin = KeyBounds.At(keyspace.Id, range.Begin.Span);
        byte[] end = range.End is ReadOnlyMemory<byte> last
            ? KeyBounds.At(keyspace.Id, last.Span)
            : KeyBounds.EndOf(keyspace.Id);
        TakePendingInRange(keyspace.Id, range);
        using IKvIterator stored = store.IterateNewest();
        stored.Seek(begin);
        int pending = 0;
        while (true)
        {
            bool hasStored = stored.IsValid && stored.Key.SequenceCompareTo(end) < 0;
            bool hasPending = pending < _pendingInRange.Count;
            if (!hasStored && !hasPending)
            {
                return null;
            }

            int order = !hasStored ? 1 : !hasPending ? -1
                : MvccKey.UserKeyOf(stored.Key).SequenceCompareTo(_pendingInRange[pending].Key.Span);
            KeyState key = order < 0 ? KeyState.OfRecord(stored.Value) : _pendingInRange[pending].State;
            if (order <= 0)
            {
                stored.MoveNext();
            }

            pending += order >= 0 ? 1 : 0;
            if (key.Version > readVersion)
            {
                return Conflict("a range", key.Version, readVersion);
            }

            bool mustExist = !key.IsTombstone || key.Version > oldestReadable;
            if (mustExist && --budget < 0)
            {
                return new CommandResult(
                    ErrorCode.TRANSACTION_TOO_LARGE,
                    Message: $"read conflict ranges cover more than {KvLimits.ConflictRangeKeys} keys");
            }
        }
    }

    private void TakePendingInRange(uint keyspace, in ConflictRange range)
    {
        _pendingInRange.Clear();
        foreach (ref readonly WriteOverlay.Entry entry in keys.Overlay.Entries)
        {
            if (entry.Keyspace == keyspace
                && entry.Key.Span.SequenceCompareTo(range.Begin.Span) >= 0
                && (range.End is not ReadOnlyMemory<byte> end || entry.Key.Span.SequenceCompareTo(end.Span) < 0))
            {
                _pendingInRange.Add(entry);
            }
        }

        _pendingInRange.Sort((left, right) => left.Key.Span.SequenceCompareTo(right.Key.Span));
    }

    private static CommitVersion Newer(CommitVersion left, CommitVersion right) => left > right ? left : right;

    private static CommandResult Conflict(string what, CommitVersion written, CommitVersion readVersion) => new(
        ErrorCode.CONFLICT,
        Message: $"{what} that the transaction read at version {readVersion} was written at version {written}");
}

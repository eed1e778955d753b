using KvCloud.Node.Operations;
using KvCloud.Node.Storage;

namespace KvCloud.Node.State;

/// <summary>Checks whether anything that a transaction read was written after its read version.</summary>
/// <remarks>
/// The result must not depend on how slots were grouped into batches, nor on what collection has already deleted. So
/// ranges are walked in key order over the union of the store and the current batch, and only keys that every replica
/// must still have are counted.
/// </remarks>
internal sealed class ConflictChecker(IKvStore store, KeyWriter keys)
{
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

        if (commit.ConflictRanges.Count == 0)
        {
            return null;
        }

        int budget = KvLimits.ConflictRangeKeys;
        using IKvIterator stored = store.IterateNewest();
        foreach (ConflictRange range in commit.ConflictRanges)
        {
            Keyspace keyspace = keyspaces.Find(range.ColumnFamily)!;
            if (CheckRange(stored, range, keyspace, commit.ReadVersion, oldestReadable, ref budget)
                is CommandResult refused)
            {
                return refused;
            }
        }

        return null;
    }

    private CommandResult? CheckRange(
        IKvIterator stored,
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
        using IEnumerator<WriteOverlay.Entry> pending =
            keys.Overlay.Within(keyspace.Id, range.Begin, range.End).GetEnumerator();
        bool hasPending = pending.MoveNext();
        stored.Seek(begin);
        while (true)
        {
            bool hasStored = stored.IsValid && stored.Key.SequenceCompareTo(end) < 0;
            if (!hasStored && !hasPending)
            {
                return null;
            }

            int order = !hasStored ? 1 : !hasPending ? -1
                : MvccKey.UserKeyOf(stored.Key).SequenceCompareTo(pending.Current.Key.Span);
            KeyState key = order < 0 ? KeyState.OfRecord(stored.Value) : pending.Current.State;
            if (order <= 0)
            {
                stored.MoveNext();
            }

            if (order >= 0)
            {
                hasPending = pending.MoveNext();
            }

            if (key.Version > readVersion)
            {
                return Conflict("a range", key.Version, readVersion);
            }

            bool mustExist = !key.IsTombstone || key.Version > oldestReadable;
            if (mustExist && --budget < 0)
            {
                return new CommandResult(
                    KvStatus.TransactionTooLarge,
                    Message: $"read conflict ranges cover more than {KvLimits.ConflictRangeKeys} keys");
            }
        }
    }

    private static CommitVersion Newer(CommitVersion left, CommitVersion right) => left > right ? left : right;

    private static CommandResult Conflict(string what, CommitVersion written, CommitVersion readVersion) => new(
        KvStatus.Conflict,
        Message: $"{what} that the transaction read at version {readVersion} was written at version {written}");
}

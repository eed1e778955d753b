using System.Buffers.Binary;
using KvCloud.Node.Storage;

namespace KvCloud.Node.State;

/// <summary>
/// Deletes what nobody can read any more. When it runs has no effect that a reader or a commit could see: what is below the
/// window is refused by number, not by absence.
/// </summary>
internal sealed class VersionCollector(IKvStore store)
{
    /// <summary>No record is older than this; spares a look into the table for every batch.</summary>
    private CommitVersion _nextDue = CommitVersion.Zero;

    /// <summary>
    /// Gives back the space of superseded versions that are out of the window. Only up to a window that is durable: after a
    /// crash the store stands at an older one, and answers for all that is in it. Any thread.
    /// </summary>
    public static void DropHistory(IKvStore store, CommitVersion oldestReadable)
    {
        Span<byte> begin = stackalloc byte[sizeof(long)];
        Span<byte> end = stackalloc byte[sizeof(long)];
        store.DropRange(
            KvTable.History,
            MvccKey.HistoryStart(begin, CommitVersion.Zero),
            MvccKey.HistoryStart(end, oldestReadable.Next));
    }

    /// <summary>
    /// Deletes tombstones, a little with each batch, so that no writer ever waits for it: adds deletes to the batch, about
    /// <paramref name="budget"/> of them. Runs before the batch's commands: it looks at the store and knows nothing of
    /// what the batch holds.
    /// </summary>
    /// <returns>How many.</returns>
    public int Collect(IKvBatch batch, CommitVersion oldestReadable, KeyspaceCatalog keyspaces, int budget)
    {
        if (oldestReadable < _nextDue)
        {
            return 0;
        }

        int collected = 0;
        using IKvIterator records = store.Iterate(KvTable.Garbage);
        Span<byte> from = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(from, _nextDue.Value);
        records.Seek(from);
        while (records.IsValid && collected < budget)
        {
            _nextDue = new CommitVersion(BinaryPrimitives.ReadInt64BigEndian(records.Key));
            if (_nextDue > oldestReadable)
            {
                return collected;
            }

            ReadOnlySpan<byte> rest = GarbageRecord.Open(records.Value);
            while (!rest.IsEmpty)
            {
                Collect(batch, GarbageRecord.ReadItem(ref rest), keyspaces);
                collected++;
            }

            batch.DeleteSingle(KvTable.Garbage, records.Key);
            _nextDue = _nextDue.Next;
            records.MoveNext();
        }

        if (!records.IsValid)
        {
            // Nothing is left, and nothing older than what is newly written can come.
            _nextDue = oldestReadable.Next > _nextDue ? oldestReadable.Next : _nextDue;
        }

        return collected;
    }

    private void Collect(IKvBatch batch, GarbageRecord.Tombstone tombstone, KeyspaceCatalog keyspaces)
    {
        if (!keyspaces.Contains(MvccKey.KeyspaceOf(tombstone.Key)))
        {
            // The whole range went when the keyspace was dropped.
            return;
        }

        var buffer = new ValueBuffer(stackalloc byte[256]);
        if (store.TryGet(KvTable.Current, tombstone.Key, ref buffer))
        {
            VersionedValue current = VersionedValue.Parse(buffer.Value);
            if (current.IsTombstone && current.Version == tombstone.Version)
            {
                batch.Delete(KvTable.Current, tombstone.Key);
            }
        }

        buffer.Dispose();
    }
}

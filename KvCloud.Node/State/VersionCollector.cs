using System.Buffers.Binary;
using KvCloud.Node.Storage;

namespace KvCloud.Node.State;

/// <summary>
/// Deletes versions that nobody can read any more, a little with each batch, so that no writer ever waits for it. When it
/// runs has no effect that a reader or a commit could see: what is below the window is refused by number, not by absence.
/// </summary>
internal sealed class VersionCollector(IKvStore store)
{
    /// <summary>No record is older than this; spares a look into the table for every batch.</summary>
    private CommitVersion _nextDue = CommitVersion.Zero;

    /// <summary>
    /// Adds deletes to the batch, about <paramref name="budget"/> of them. Runs before the batch's commands: it looks at
    /// the store and knows nothing of what the batch holds.
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

    private void Collect(IKvBatch batch, GarbageRecord.Item item, KeyspaceCatalog keyspaces)
    {
        if (!keyspaces.Contains(MvccKey.KeyspaceOf(item.Key)))
        {
            // The whole range went when the keyspace was dropped.
            return;
        }

        if (item.Kind == GarbageKind.Superseded)
        {
            batch.DeleteSingle(KvTable.History, item.Key);
            return;
        }

        var buffer = new ValueBuffer(stackalloc byte[256]);
        if (store.TryGet(KvTable.Current, item.Key, ref buffer))
        {
            VersionedValue current = VersionedValue.Parse(buffer.Value);
            if (current.IsTombstone && current.Version == item.Version)
            {
                batch.Delete(KvTable.Current, item.Key);
            }
        }

        buffer.Dispose();
    }
}

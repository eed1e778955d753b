using System.Buffers.Binary;
using KvCloud.Node.Operations;
using KvCloud.Node.Storage;

namespace KvCloud.Node.State;

/// <summary>
/// Deletes versions that can no longer be read. When it runs is invisible to readers and commits: versions below the
/// window are refused by number, whether they still exist or not.
/// </summary>
internal sealed class VersionCollector
{
    private readonly IKvStore _store;

    /// <summary>Dropped keyspaces whose keys still exist.</summary>
    private readonly Queue<DroppedKeyspace> _dropped = [];

    /// <summary>The first key left in the first of them; null for its very first key.</summary>
    private byte[]? _leftFrom;

    /// <summary>No record is older than this; saves a look into the table for every batch.</summary>
    private CommitVersion _nextDue = CommitVersion.Zero;

    public VersionCollector(IKvStore store)
    {
        _store = store;
        using IKvIterator records = store.Iterate(KvTable.Meta);
        records.Seek([MetaKey.DroppedKeyspace]);
        for (; records.IsValid && records.Key[0] == MetaKey.DroppedKeyspace; records.MoveNext())
        {
            CommitVersion? lastVersion = records.Value.Length == sizeof(long)
                ? new CommitVersion(BinaryPrimitives.ReadInt64LittleEndian(records.Value))
                : null;
            _dropped.Enqueue(new DroppedKeyspace(MetaKey.KeyspaceOf(records.Key), lastVersion));
        }
    }

    /// <summary>
    /// The current batch drops the keyspace: its keys are deleted from the next batch on, a few with each.
    /// </summary>
    /// <param name="lastVersion">None of its keys was written at a newer one.</param>
    public void Drop(IKvBatch batch, uint keyspace, CommitVersion lastVersion)
    {
        _dropped.Enqueue(new DroppedKeyspace(keyspace, lastVersion));
        Span<byte> key = stackalloc byte[MetaKey.SizeBytes];
        Span<byte> value = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(value, lastVersion.Value);
        batch.Put(KvTable.Meta, MetaKey.Write(key, MetaKey.DroppedKeyspace, keyspace), value);
    }

    /// <summary>
    /// Deletes tombstones and the keys of dropped keyspaces, a few with each batch, so that no writer waits for
    /// collection: adds about <paramref name="budget"/> deletes to the batch. Must run before the batch's commands,
    /// because it looks only at the store and not at what the batch holds.
    /// </summary>
    /// <param name="applied">The newest version.</param>
    /// <returns>The number of deletes.</returns>
    public int Collect(
        IKvBatch batch, CommitVersion applied, CommitVersion oldestReadable, KeyspaceCatalog keyspaces, int budget)
    {
        int collected = CollectTombstones(batch, oldestReadable, keyspaces, budget);
        return collected + CollectDropped(batch, applied, budget - collected);
    }

    private int CollectTombstones(
        IKvBatch batch, CommitVersion oldestReadable, KeyspaceCatalog keyspaces, int budget)
    {
        if (oldestReadable < _nextDue)
        {
            return 0;
        }

        int collected = 0;
        using IKvIterator records = _store.Iterate(KvTable.Garbage);
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
                CollectTombstone(batch, GarbageRecord.ReadItem(ref rest), keyspaces);
                collected++;
            }

            batch.DeleteSingle(KvTable.Garbage, records.Key);
            _nextDue = _nextDue.Next;
            records.MoveNext();
        }

        if (!records.IsValid)
        {
            // Nothing is left, and later writes are newer than this.
            _nextDue = oldestReadable.Next > _nextDue ? oldestReadable.Next : _nextDue;
        }

        return collected;
    }

    /// <summary>
    /// Deletes at the tombstone's own version: a delete at a newer one would itself stay until the window has passed
    /// that one, and it may be the last for a long time.
    /// </summary>
    private void CollectTombstone(IKvBatch batch, GarbageRecord.Tombstone tombstone, KeyspaceCatalog keyspaces)
    {
        if (!keyspaces.Contains(MvccKey.KeyspaceOf(tombstone.Key)))
        {
            return;
        }

        var buffer = new ValueBuffer(stackalloc byte[256]);
        if (_store.TryGetNewest(tombstone.Key, ref buffer))
        {
            var newest = VersionedValue.Parse(buffer.Value);
            if (newest.IsTombstone && newest.Version == tombstone.Version)
            {
                batch.DeleteVersion(tombstone.Key, tombstone.Version);
            }
        }

        buffer.Dispose();
    }

    private int CollectDropped(IKvBatch batch, CommitVersion applied, int budget)
    {
        int collected = 0;
        Span<byte> key = stackalloc byte[MetaKey.SizeBytes];
        while (collected < budget && _dropped.TryPeek(out DroppedKeyspace dropped))
        {
            uint keyspace = dropped.Id;
            using IKvIterator records = _store.IterateNewest();
            records.Seek(_leftFrom ?? KeyBounds.StartOf(keyspace));
            while (records.IsValid && MvccKey.KeyspaceOf(records.Key) == keyspace)
            {
                if (collected >= budget)
                {
                    _leftFrom = records.Key.ToArray();
                    return collected;
                }

                batch.DeleteVersion(records.Key, dropped.LastVersion ?? applied);
                collected++;
                records.MoveNext();
            }

            batch.Delete(KvTable.Meta, MetaKey.Write(key, MetaKey.DroppedKeyspace, keyspace));
            _dropped.Dequeue();
            _leftFrom = null;
        }

        return collected;
    }

    /// <param name="LastVersion">Null where a release that did not note it dropped the keyspace.</param>
    private readonly record struct DroppedKeyspace(uint Id, CommitVersion? LastVersion);
}

using KvCloud.Node.Storage;

namespace KvCloud.Node.State;

/// <summary>
/// Writes versions of keys into the batch under way: the new one into the current table, the one it supersedes into the
/// history. Also answers what the newest version of a key is, the batch's own writes included.
/// </summary>
internal sealed class KeyWriter(IKvStore store, RecordCache cache)
{
    private const int ScratchSizeBytes = 1024;
    private const int LargestKeptRecordBytes = 64 * 1024;

    private readonly byte[] _currentKey = new byte[KvLimits.KeySizeBytes + MvccKey.MaxOverheadBytes];
    private readonly byte[] _historyKey = new byte[KvLimits.KeySizeBytes + MvccKey.MaxOverheadBytes];
    private byte[] _record = new byte[ScratchSizeBytes];

    public WriteOverlay Overlay { get; } = new();

    public GarbageRecord Garbage { get; } = new();

    /// <summary>Forgets the batch that was written.</summary>
    public void Clear()
    {
        Overlay.Clear();
        Garbage.Clear();
        if (_record.Length > LargestKeptRecordBytes)
        {
            _record = new byte[ScratchSizeBytes];
        }
    }

    /// <summary>
    /// Gives the key this value, or deletes it. Deleting what does not exist leaves no trace. A key may be written
    /// several times at one version: the last one holds.
    /// </summary>
    /// <param name="key">Never changed by the caller until the batch is written; so too the value.</param>
    public void Write(
        IKvBatch batch,
        Keyspace keyspace,
        ReadOnlyMemory<byte> key,
        ReadOnlyMemory<byte> value,
        bool isDelete,
        CommitVersion version,
        ref StateHasher hasher)
    {
        ulong hash = WriteOverlay.HashOf(key.Span);
        ReadOnlySpan<byte> physicalKey = MvccKey.Current(_currentKey, keyspace.Id, key.Span);
        int index = Overlay.Find(keyspace.Id, key.Span, hash);
        CommitVersion supersededLive = index >= 0
            ? SupersedePending(batch, Overlay.Entries[index], version, out HistoryLink link)
            : SupersedeStored(batch, physicalKey, keyspace.Id, key.Span, hash, version, isDelete, out link);
        bool wasLive = supersededLive > CommitVersion.Zero;
        if (isDelete && !wasLive)
        {
            return;
        }

        if (isDelete)
        {
            Garbage.AddTombstone(physicalKey, version);
        }

        ReadOnlySpan<byte> record = Record(isDelete, version, link, value.Span);
        batch.Put(KvTable.Current, physicalKey, record);
        cache.Put(hash, physicalKey, record);
        var entry = new WriteOverlay.Entry(keyspace.Id, key, hash, isDelete, version, link, value);
        if (index >= 0)
        {
            Overlay.Replace(index, entry);
        }
        else
        {
            Overlay.Add(entry);
        }

        keyspace.LiveKeys += (isDelete ? 0 : 1) - (wasLive ? 1 : 0);
        hasher.Mix(hash ^ keyspace.Id);
        hasher.Mix(supersededLive.Value);
        hasher.Mix(isDelete ? ulong.MaxValue : WriteOverlay.HashOf(value.Span));
    }

    /// <summary>
    /// The version at which the key was last written or deleted; zero if never, or so long ago that it no longer matters.
    /// </summary>
    public CommitVersion NewestVersionOf(Keyspace keyspace, ReadOnlySpan<byte> key)
    {
        ulong hash = WriteOverlay.HashOf(key);
        int index = Overlay.Find(keyspace.Id, key, hash);
        if (index >= 0)
        {
            return Overlay.Entries[index].Version;
        }

        ReadOnlySpan<byte> physicalKey = MvccKey.Current(_currentKey, keyspace.Id, key);
        if (cache.TryGet(hash, physicalKey, out ReadOnlySpan<byte> cached))
        {
            return VersionedValue.Parse(cached).Version;
        }

        var buffer = new ValueBuffer(stackalloc byte[ScratchSizeBytes]);
        CommitVersion version = store.TryGet(KvTable.Current, physicalKey, ref buffer)
            ? VersionedValue.Parse(buffer.Value).Version
            : CommitVersion.Zero;
        buffer.Dispose();
        return version;
    }

    /// <summary>Of a key that this batch has touched before.</summary>
    /// <param name="link">From the version that is to be the newest now to those before it.</param>
    /// <returns>The version of the value that ceases to be the newest; zero if there was none.</returns>
    private CommitVersion SupersedePending(
        IKvBatch batch, in WriteOverlay.Entry pending, CommitVersion version, out HistoryLink link)
    {
        link = pending.Link;
        if (pending.Version < version)
        {
            link = pending.Link.Extend(pending.Version);
            Supersede(
                batch,
                version,
                pending.Keyspace,
                pending.Key.Span,
                Record(pending.IsTombstone, pending.Version, pending.Link, pending.Value.Span));
        }

        return pending.IsTombstone ? CommitVersion.Zero : pending.Version;
    }

    /// <summary>Of a key that this batch touches for the first time.</summary>
    private CommitVersion SupersedeStored(
        IKvBatch batch,
        ReadOnlySpan<byte> physicalKey,
        uint keyspace,
        ReadOnlySpan<byte> key,
        ulong hash,
        CommitVersion version,
        bool isDelete,
        out HistoryLink link)
    {
        if (cache.TryGet(hash, physicalKey, out ReadOnlySpan<byte> cached))
        {
            return SupersedeRecord(batch, cached, keyspace, key, version, isDelete, out link);
        }

        var buffer = new ValueBuffer(stackalloc byte[ScratchSizeBytes]);
        CommitVersion superseded = CommitVersion.Zero;
        link = HistoryLink.None;
        if (store.TryGet(KvTable.Current, physicalKey, ref buffer))
        {
            superseded = SupersedeRecord(batch, buffer.Value, keyspace, key, version, isDelete, out link);
        }

        buffer.Dispose();
        return superseded;
    }

    private CommitVersion SupersedeRecord(
        IKvBatch batch,
        ReadOnlySpan<byte> record,
        uint keyspace,
        ReadOnlySpan<byte> key,
        CommitVersion version,
        bool isDelete,
        out HistoryLink link)
    {
        VersionedValue stored = VersionedValue.Parse(record);
        link = stored.Link.Extend(stored.Version);
        if (!stored.IsTombstone || !isDelete)
        {
            Supersede(batch, version, keyspace, key, record);
        }

        return stored.IsTombstone ? CommitVersion.Zero : stored.Version;
    }

    private void Supersede(
        IKvBatch batch, CommitVersion version, uint keyspace, ReadOnlySpan<byte> key, ReadOnlySpan<byte> record) =>
        batch.Put(KvTable.History, MvccKey.History(_historyKey, version, keyspace, key), record);

    private ReadOnlySpan<byte> Record(
        bool isTombstone, CommitVersion version, HistoryLink link, ReadOnlySpan<byte> value)
    {
        if (_record.Length < VersionedValue.MaxOverheadBytes + value.Length)
        {
            _record = new byte[VersionedValue.MaxOverheadBytes + value.Length];
        }

        return VersionedValue.Write(_record, isTombstone, version, link, value);
    }
}

using KvCloud.Node.Operations;
using KvCloud.Node.Storage;

namespace KvCloud.Node.State;

/// <summary>
/// Writes key versions into the current batch without reading what they supersede. Also looks up the newest version of
/// a key, including the batch's own writes.
/// </summary>
internal sealed class KeyWriter(IKvStore store)
{
    private const int ScratchSizeBytes = 1024;
    private const int LargestKeptRecordBytes = 64 * 1024;

    private readonly byte[] _physicalKey = new byte[KvLimits.KeySizeBytes + MvccKey.KeyspaceSizeBytes];
    private byte[] _record = new byte[ScratchSizeBytes];

    public WriteOverlay Overlay { get; } = new();

    public GarbageRecord Garbage { get; } = new();

    /// <summary>Forgets the batch, which has been written.</summary>
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
    /// Sets the key's value, or deletes it. Deleting a key that does not exist leaves no trace. If a key is written
    /// several times at one version, the last write holds.
    /// </summary>
    /// <param name="key">Must not change until the batch is written.</param>
    public void Write(
        IKvBatch batch,
        Keyspace keyspace,
        ReadOnlyMemory<byte> key,
        ReadOnlySpan<byte> value,
        bool isDelete,
        CommitVersion version,
        ref StateHasher hasher)
    {
        ulong hash = WriteOverlay.HashOf(key.Span);
        ReadOnlySpan<byte> physicalKey = MvccKey.Write(_physicalKey, keyspace.Id, key.Span);
        int index = Overlay.Find(keyspace.Id, key.Span, hash);
        bool isSampled = KeyCount.IsSampled(hash);
        CommitVersion superseded = CommitVersion.Zero;
        if (isDelete || isSampled)
        {
            KeyState before = index >= 0 ? Overlay.Entries[index].State : StateInStore(physicalKey);
            superseded = before.IsTombstone ? CommitVersion.Zero : before.Version;
            if (isDelete && superseded == CommitVersion.Zero)
            {
                return;
            }
        }

        if (isDelete)
        {
            Garbage.AddTombstone(physicalKey, version);
        }

        batch.PutVersion(physicalKey, version, Record(isDelete, version, value));
        var entry = new WriteOverlay.Entry(keyspace.Id, key, hash, new KeyState(version, isDelete));
        if (index >= 0)
        {
            Overlay.Replace(index, entry);
        }
        else
        {
            Overlay.Add(entry);
        }

        if (isSampled)
        {
            keyspace.SampledKeys += (isDelete ? 0 : 1) - (superseded > CommitVersion.Zero ? 1 : 0);
        }

        hasher.Mix(hash ^ keyspace.Id);
        hasher.Mix(superseded.Value);
        hasher.Mix(isDelete ? ulong.MaxValue : WriteOverlay.HashOf(value));
    }

    /// <summary>
    /// The version at which the key was last written or deleted; zero if never, or so long ago that it no longer
    /// matters.
    /// </summary>
    public CommitVersion NewestVersionOf(Keyspace keyspace, ReadOnlySpan<byte> key)
    {
        int index = Overlay.Find(keyspace.Id, key, WriteOverlay.HashOf(key));
        return index >= 0
            ? Overlay.Entries[index].State.Version
            : StateInStore(MvccKey.Write(_physicalKey, keyspace.Id, key)).Version;
    }

    /// <summary>Version zero when the key does not exist.</summary>
    private KeyState StateInStore(ReadOnlySpan<byte> physicalKey)
    {
        var buffer = new ValueBuffer(stackalloc byte[ScratchSizeBytes]);
        KeyState state = default;
        if (store.TryGetNewest(physicalKey, ref buffer))
        {
            state = KeyState.OfRecord(buffer.Value);
        }

        buffer.Dispose();
        return state;
    }

    private ReadOnlySpan<byte> Record(bool isTombstone, CommitVersion version, ReadOnlySpan<byte> value)
    {
        if (_record.Length < VersionedValue.HeaderSizeBytes + value.Length)
        {
            _record = new byte[VersionedValue.HeaderSizeBytes + value.Length];
        }

        return VersionedValue.Write(_record, isTombstone, version, value);
    }
}

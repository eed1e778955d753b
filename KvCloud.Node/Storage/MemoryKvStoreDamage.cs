namespace KvCloud.Node.Storage;

/// <summary>
/// Damage of an in-memory store, so that tests can reproduce what a disk does to files: a key whose block cannot be
/// read any more, or a key that is silently lost.
/// </summary>
internal sealed partial class MemoryKvStore
{
    private const string DamagedFile = "000001.sst";

    private volatile byte[]? _damagedKey;

    /// <summary>Whether <see cref="TryDamage"/> has damaged a key.</summary>
    public bool IsDamaged => _damagedKey is not null;

    /// <summary>
    /// Damages the first key at or after this one: reads of it, and of ranges across it, fail from now on. False if
    /// there is no such key.
    /// </summary>
    public bool TryDamage(ReadOnlySpan<byte> from)
    {
        Root root = _root;
        int index = FirstAtOrAfter(root.Versions, new VersionedEntry(from.ToArray(), null));
        if (index >= root.Versions.Count)
        {
            return false;
        }

        _damagedKey = root.Versions[index].Key;
        return true;
    }

    /// <summary>
    /// Loses the first key at or after this one silently: no checksum shows that it was ever written. False if there is
    /// no such key.
    /// </summary>
    public bool TryDropSilently(ReadOnlySpan<byte> from)
    {
        lock (_gate)
        {
            int index = FirstAtOrAfter(_root.Versions, new VersionedEntry(from.ToArray(), null));
            if (index >= _root.Versions.Count)
            {
                return false;
            }

            VersionedEntry dropped = _root.Versions[index];
            _root = _root with { Versions = _root.Versions.Remove(dropped) };
            _flushed = _flushed with { Versions = _flushed.Versions.Remove(dropped) };
            return true;
        }
    }

    private void ThrowIfDamaged(ReadOnlySpan<byte> key)
    {
        if (_damagedKey is byte[] damaged && key.SequenceEqual(damaged))
        {
            throw new StoreCorruptException("block checksum mismatch", DamagedFile);
        }
    }

    /// <summary>Finds the damage of <see cref="TryDamage"/>, a hundred keys at a time.</summary>
    private sealed class Scrub(MemoryKvStore store) : IStoreScrub
    {
        private const int KeysPerRun = 100;

        private readonly Root _root = store._root;
        private int _next;

        public long SizeBytes => _root.Versions.Count;

        public int UncheckedFiles => 0;

        public int Advance(int maxBytes)
        {
            int end = Math.Min(_root.Versions.Count, _next + Math.Min(maxBytes, KeysPerRun));
            int read = end - _next;
            for (; _next < end; _next++)
            {
                store.ThrowIfDamaged(_root.Versions[_next].Key);
            }

            return read;
        }

        public void Dispose()
        {
            // Holds only a reference.
        }
    }
}

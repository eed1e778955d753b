namespace KvCloud.Node.Storage;

/// <summary>
/// Damage of a store in memory, so that tests can have what a disk does to files: a key whose block cannot be read any
/// more, or one that silently holds something else.
/// </summary>
internal sealed partial class MemoryKvStore
{
    private const string DamagedFile = "000001.sst";

    private volatile byte[]? _damagedKey;

    /// <summary>Whether <see cref="TryDamage"/> has done its harm.</summary>
    public bool IsDamaged => _damagedKey is not null;

    /// <summary>
    /// The key that comes first at or after this one cannot be read from now on, nor can a range across it: whoever
    /// tries is told. False where there is no such key.
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
    /// The key that comes first at or after this one has never been written, as far as the store can tell: no checksum
    /// shows it. False where there is no such key.
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

    /// <summary>Finds what <see cref="TryDamage"/> has done, a hundred keys at a time.</summary>
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

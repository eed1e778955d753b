using System.Collections.Immutable;
using System.Globalization;
using KvCloud.Node.Files;
using KvCloud.Node.Operations;

namespace KvCloud.Node.Storage;

/// <summary>
/// An in-memory store for the simulator, for tests, and for a replica that waits for new data. Its tables are
/// persistent trees, so a reader's view is just an old root, and so is the last flush, to which
/// <see cref="RestoreLastFlush"/> falls back as a crash does.
/// </summary>
internal sealed partial class MemoryKvStore : IKvStore
{
    private static readonly int TableCount = Enum.GetValues<KvTable>().Length;
    private static readonly CommitVersion Newest = new(long.MaxValue);

    private readonly Lock _gate = new();
    private volatile Root _root = Root.Empty;
    private volatile Root _flushed = Root.Empty;

    public bool TryGet(KvTable table, ReadOnlySpan<byte> key, ref ValueBuffer value) =>
        _root.Tables[(int)table].TryGetValue(new Entry(key.ToArray(), []), out Entry entry) && Take(
            entry.Value, ref value);

    public IKvIterator Iterate(KvTable table) => new Cursor(_root.Tables[(int)table]);

    public bool TryGetNewest(ReadOnlySpan<byte> key, ref ValueBuffer value) => TryGetAt(key, Newest, ref value);

    public bool TryGetAt(ReadOnlySpan<byte> key, CommitVersion at, ref ValueBuffer value)
    {
        Root root = _root;
        root.Check(at);
        ThrowIfDamaged(key);
        return root.Versions.TryGetValue(new VersionedEntry(key.ToArray(), null), out VersionedEntry entry)
            && entry.At(at) is byte[] found
            && Take(found, ref value);
    }

    public IKvIterator IterateNewest() => IterateAt(Newest);

    public IKvIterator IterateAt(CommitVersion at)
    {
        Root root = _root;
        root.Check(at);
        return new VersionCursor(this, root.Versions, at);
    }

    public IKvBatch CreateBatch() => new Batch();

    public void Write(IKvBatch batch)
    {
        lock (_gate)
        {
            _root = ((Batch)batch).ApplyTo(_root);
        }
    }

    public void Flush() => _flushed = _root;

    public bool IsFlushed => _flushed == _root;

    /// <summary>Simulates a crash: everything written since the last flush is gone.</summary>
    public void RestoreLastFlush() => _root = _flushed;

    public void RaiseOldestReadable(CommitVersion oldest)
    {
        lock (_gate)
        {
            _root = _root.Forget(oldest);
            _flushed = _flushed.Forget(oldest);
        }
    }

    public VersionFigures CountVersions()
    {
        Root root = _root;
        return new VersionFigures(
            root.Versions.Sum(entry => entry.Records), root.Versions.Sum(entry => entry.SizeBytes));
    }

    /// <summary>What is given up is gone at once.</summary>
    public bool CompactPiece(long bytes) => false;

    public StoreFigures GetFigures()
    {
        Root root = _root;
        long size = root.Tables.Sum(table => table.Sum(entry => (long)entry.Key.Length + entry.Value.Length))
            + root.Versions.Sum(entry => entry.SizeBytes);
        return new StoreFigures(size, CacheHitPercent: null, CompactionPendingBytes: null, Details: []);
    }

    public void CheckBackground()
    {
        // Nothing happens behind its back.
    }

    public IStoreScrub BeginScrub(IFileSystem files) => new Scrub(this);

    public IReadOnlyList<StoreFile> ListFiles() => [];

    public void Dispose()
    {
        // Memory only: there is nothing to release.
    }

    private static bool Take(byte[] found, ref ValueBuffer value)
    {
        found.CopyTo(value.Take(found.Length));
        return true;
    }

    private static int FirstAtOrAfter<T>(ImmutableSortedSet<T> set, T entry)
    {
        int index = set.IndexOf(entry);
        return index >= 0 ? index : ~index;
    }

    private readonly record struct Entry(byte[] Key, byte[] Value);

    /// <summary>One version of a key; a null value means that it was deleted at that version.</summary>
    private sealed record Version(CommitVersion From, byte[]? Value, Version? Older);

    private readonly record struct VersionedEntry(byte[] Key, Version? Newest)
    {
        public long SizeBytes
        {
            get
            {
                long size = 0;
                for (Version? version = Newest; version is not null; version = version.Older)
                {
                    size += Key.Length + (version.Value?.Length ?? 0);
                }

                return size;
            }
        }

        public long Records
        {
            get
            {
                long records = 0;
                for (Version? version = Newest; version is not null; version = version.Older)
                {
                    records++;
                }

                return records;
            }
        }

        public byte[]? At(CommitVersion at)
        {
            Version? version = Newest;
            while (version is not null && version.From > at)
            {
                version = version.Older;
            }

            return version?.Value;
        }

        /// <summary>
        /// The entry without what only reads before <paramref name="oldest"/> would see; null when nothing is left.
        /// </summary>
        public VersionedEntry? Without(CommitVersion oldest) =>
            Trim(Newest, oldest) is Version left ? new VersionedEntry(Key, left) : null;

        private static Version? Trim(Version? version, CommitVersion oldest) => version switch
        {
            null => null,
            _ when version.From > oldest => version with { Older = Trim(version.Older, oldest) },
            { Value: null } => null,
            _ => version with { Older = null },
        };
    }

    private sealed class ByKey : IComparer<Entry>, IComparer<VersionedEntry>
    {
        public static readonly ByKey Order = new();

        public int Compare(Entry x, Entry y) => x.Key.AsSpan().SequenceCompareTo(y.Key);

        public int Compare(VersionedEntry x, VersionedEntry y) => x.Key.AsSpan().SequenceCompareTo(y.Key);
    }

    private sealed record Root(
        ImmutableArray<ImmutableSortedSet<Entry>> Tables, ImmutableSortedSet<VersionedEntry> Versions,
        CommitVersion Oldest)
    {
        public static readonly Root Empty = new(
            [.. Enumerable.Repeat(ImmutableSortedSet.Create<Entry>(ByKey.Order), TableCount)],
            ImmutableSortedSet.Create<VersionedEntry>(ByKey.Order),
            CommitVersion.Zero);

        public void Check(CommitVersion at)
        {
            if (at < Oldest)
            {
                throw new VersionTooOldException(string.Create(
                    CultureInfo.InvariantCulture, $"version {at} was requested, but those before {Oldest} are gone"));
            }
        }

        public Root Forget(CommitVersion oldest)
        {
            if (oldest <= Oldest)
            {
                return this;
            }

            var versions = Versions.ToBuilder();
            foreach (VersionedEntry entry in Versions)
            {
                VersionedEntry? left = entry.Without(oldest);
                if (left?.Newest != entry.Newest)
                {
                    versions.Remove(entry);
                    if (left is VersionedEntry some)
                    {
                        versions.Add(some);
                    }
                }
            }

            return this with { Versions = versions.ToImmutable(), Oldest = oldest };
        }
    }

    private sealed class Cursor(ImmutableSortedSet<Entry> table) : IKvIterator
    {
        private int _index = -1;

        public bool IsValid => _index >= 0 && _index < table.Count;

        public ReadOnlySpan<byte> Key => table[_index].Key;

        public ReadOnlySpan<byte> Value => table[_index].Value;

        public bool Seek(ReadOnlySpan<byte> key)
        {
            _index = FirstAtOrAfter(table, new Entry(key.ToArray(), []));
            return IsValid;
        }

        public bool SeekBefore(ReadOnlySpan<byte> key)
        {
            _index = FirstAtOrAfter(table, new Entry(key.ToArray(), [])) - 1;
            return IsValid;
        }

        public bool MoveNext()
        {
            _index++;
            return IsValid;
        }

        public bool MovePrevious()
        {
            _index--;
            return IsValid;
        }

        public void Dispose()
        {
            // Holds only a reference.
        }
    }

    /// <summary>Walks the keys that have a value at one version.</summary>
    private sealed class VersionCursor(
        MemoryKvStore store, ImmutableSortedSet<VersionedEntry> entries, CommitVersion at) : IKvIterator
    {
        private int _index = -1;

        public bool IsValid => _index >= 0 && _index < entries.Count;

        public ReadOnlySpan<byte> Key => entries[_index].Key;

        public ReadOnlySpan<byte> Value => entries[_index].At(at);

        public bool Seek(ReadOnlySpan<byte> key) =>
            Go(FirstAtOrAfter(entries, new VersionedEntry(key.ToArray(), null)), 1);

        public bool SeekBefore(ReadOnlySpan<byte> key) =>
            Go(FirstAtOrAfter(entries, new VersionedEntry(key.ToArray(), null)) - 1, -1);

        public bool MoveNext() => Go(_index + 1, 1);

        public bool MovePrevious() => Go(_index - 1, -1);

        public void Dispose()
        {
            // Holds only a reference.
        }

        private bool Go(int index, int step)
        {
            _index = index;
            while (IsValid && IsHidden(entries[_index]))
            {
                _index += step;
            }

            return IsValid;
        }

        private bool IsHidden(VersionedEntry entry)
        {
            store.ThrowIfDamaged(entry.Key);
            return entry.At(at) is null;
        }
    }

    private sealed class Batch : IKvBatch
    {
        private readonly List<(KvTable Table, byte[] Key, byte[]? Value)> _changes = [];
        private readonly List<(byte[] Key, CommitVersion From, byte[]? Value)> _versions = [];

        public int Count => _changes.Count + _versions.Count;

        public void Put(KvTable table, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) =>
            _changes.Add((table, key.ToArray(), value.ToArray()));

        public void Delete(KvTable table, ReadOnlySpan<byte> key) => _changes.Add((table, key.ToArray(), null));

        public void DeleteSingle(KvTable table, ReadOnlySpan<byte> key) => Delete(table, key);

        public void PutVersion(ReadOnlySpan<byte> key, CommitVersion version, ReadOnlySpan<byte> value) =>
            _versions.Add((key.ToArray(), version, value.ToArray()));

        public void DeleteVersion(ReadOnlySpan<byte> key, CommitVersion version) =>
            _versions.Add((key.ToArray(), version, null));

        public void Clear()
        {
            _changes.Clear();
            _versions.Clear();
        }

        public void Dispose() => Clear();

        public Root ApplyTo(Root root)
        {
            var builders = new ImmutableSortedSet<Entry>.Builder?[TableCount];
            foreach ((KvTable table, byte[] key, byte[]? value) in _changes)
            {
                ImmutableSortedSet<Entry>.Builder builder =
                    builders[(int)table] ??= root.Tables[(int)table].ToBuilder();
                builder.Remove(new Entry(key, []));
                if (value is not null)
                {
                    builder.Add(new Entry(key, value));
                }
            }

            return root with
            {
                Tables = [.. root.Tables.Select((table, i) => builders[i]?.ToImmutable() ?? table)],
                Versions = ApplyVersionsTo(root),
            };
        }

        private ImmutableSortedSet<VersionedEntry> ApplyVersionsTo(Root root)
        {
            var versions = root.Versions.ToBuilder();
            foreach ((byte[] key, CommitVersion from, byte[]? value) in _versions)
            {
                Version? older = null;
                if (versions.TryGetValue(new VersionedEntry(key, null), out VersionedEntry entry))
                {
                    versions.Remove(entry);
                    older = entry.Newest;
                }

                if (older?.From > from)
                {
                    throw new StoreFailedException($"version {from} is written after {older.From}, which is newer");
                }

                versions.Add(
                    new VersionedEntry(key, new Version(from, value, older?.From == from ? older.Older : older)));
            }

            return versions.ToImmutable();
        }
    }
}

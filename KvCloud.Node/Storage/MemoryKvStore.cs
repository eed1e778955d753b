using System.Collections.Immutable;

namespace KvCloud.Node.Storage;

/// <summary>
/// The store in memory, for the simulator and for tests. Its tables are persistent trees, so a snapshot, or the last
/// flush to which <see cref="RestoreLastFlush"/> falls back as a crash does, is just the old root.
/// </summary>
internal sealed class MemoryKvStore : IKvStore
{
    private static readonly int TableCount = Enum.GetValues<KvTable>().Length;

    private readonly Lock _gate = new();
    private volatile Root _root = Root.Empty;
    private volatile Root _flushed = Root.Empty;

    public bool TryGet(KvTable table, ReadOnlySpan<byte> key, ref ValueBuffer value) =>
        _root.TryGet(table, key, ref value);

    public IKvIterator Iterate(KvTable table) => _root.Iterate(table);

    public IKvSnapshot CreateSnapshot() => _root;

    public IKvBatch CreateBatch() => new Batch();

    public void Write(IKvBatch batch)
    {
        lock (_gate)
        {
            _root = ((Batch)batch).ApplyTo(_root);
        }
    }

    public void Flush() => _flushed = _root;

    /// <summary>What a crash leaves: everything written since the last flush is gone.</summary>
    public void RestoreLastFlush() => _root = _flushed;

    public void DropRange(KvTable table, ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end)
    {
        var batch = new Batch();
        batch.DeleteRange(table, begin, end);
        lock (_gate)
        {
            _root = batch.ApplyTo(_root);
            _flushed = batch.ApplyTo(_flushed);
        }
    }

    public StoreFigures GetFigures()
    {
        Root root = _root;
        long size = root.Tables.Sum(table => table.Sum(entry => (long)entry.Key.Length + entry.Value.Length));
        return new StoreFigures(size, CacheHitPercent: null, CompactionPendingBytes: null, Details: []);
    }

    public void Dispose()
    {
        // Memory only: there is nothing to give back.
    }

    private readonly record struct Entry(byte[] Key, byte[] Value);

    private sealed class ByKey : IComparer<Entry>
    {
        public static readonly ByKey Order = new();

        public int Compare(Entry x, Entry y) => x.Key.AsSpan().SequenceCompareTo(y.Key);
    }

    private sealed class Root(ImmutableSortedSet<Entry>[] tables) : IKvSnapshot
    {
        public static readonly Root Empty =
            new([.. Enumerable.Repeat(ImmutableSortedSet.Create<Entry>(ByKey.Order), TableCount)]);

        public ImmutableSortedSet<Entry>[] Tables => tables;

        public bool TryGet(KvTable table, ReadOnlySpan<byte> key, ref ValueBuffer value)
        {
            if (!tables[(int)table].TryGetValue(new Entry(key.ToArray(), []), out Entry entry))
            {
                return false;
            }

            entry.Value.CopyTo(value.Take(entry.Value.Length));
            return true;
        }

        public IKvIterator Iterate(KvTable table) => new Cursor(tables[(int)table]);

        public void Dispose()
        {
            // A root lives as long as somebody holds it.
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
            _index = FirstAtOrAfter(key);
            return IsValid;
        }

        public bool SeekBefore(ReadOnlySpan<byte> key)
        {
            _index = FirstAtOrAfter(key) - 1;
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
            // Holds nothing but a reference.
        }

        private int FirstAtOrAfter(ReadOnlySpan<byte> key)
        {
            int index = table.IndexOf(new Entry(key.ToArray(), []));
            return index >= 0 ? index : ~index;
        }
    }

    private sealed class Batch : IKvBatch
    {
        private readonly List<(KvTable Table, byte[] Key, byte[]? Value, byte[]? RangeEnd)> _changes = [];

        public int Count => _changes.Count;

        public void Put(KvTable table, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) =>
            _changes.Add((table, key.ToArray(), value.ToArray(), null));

        public void Delete(KvTable table, ReadOnlySpan<byte> key) => _changes.Add((table, key.ToArray(), null, null));

        public void DeleteSingle(KvTable table, ReadOnlySpan<byte> key) => Delete(table, key);

        public void DeleteRange(KvTable table, ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end) =>
            _changes.Add((table, begin.ToArray(), null, end.ToArray()));

        public void Clear() => _changes.Clear();

        public void Dispose() => Clear();

        public Root ApplyTo(Root root)
        {
            var builders = new ImmutableSortedSet<Entry>.Builder?[TableCount];
            foreach ((KvTable table, byte[] key, byte[]? value, byte[]? rangeEnd) in _changes)
            {
                ImmutableSortedSet<Entry>.Builder builder =
                    builders[(int)table] ??= root.Tables[(int)table].ToBuilder();
                if (rangeEnd is not null)
                {
                    RemoveRange(builder, key, rangeEnd);
                    continue;
                }

                builder.Remove(new Entry(key, []));
                if (value is not null)
                {
                    builder.Add(new Entry(key, value));
                }
            }

            return new Root([.. root.Tables.Select((table, i) => builders[i]?.ToImmutable() ?? table)]);
        }

        private static void RemoveRange(ImmutableSortedSet<Entry>.Builder builder, byte[] begin, byte[] end)
        {
            int index = builder.IndexOf(new Entry(begin, []));
            index = index >= 0 ? index : ~index;
            while (index < builder.Count && builder[index].Key.AsSpan().SequenceCompareTo(end) < 0)
            {
                builder.Remove(builder[index]);
            }
        }
    }
}

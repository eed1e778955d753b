using KvCloud.Node.Files;
using KvCloud.Node.Operations;

namespace KvCloud.Node.Storage;

/// <summary>
/// Wraps a store and closes it on damage: once any call has found damage, every later call is refused.
/// </summary>
/// <remarks>It does not own the store: whoever opened it disposes of it.</remarks>
internal sealed class GuardedKvStore(IKvStore store, StoreHealth health) : IKvStore
{
    /// <summary>The name of the versions table in reports of damage.</summary>
    private const string Versions = "versions";

    public bool IsFlushed => store.IsFlushed;

    public bool TryGet(KvTable table, ReadOnlySpan<byte> key, ref ValueBuffer value)
    {
        health.ThrowIfDamaged();
        try
        {
            return store.TryGet(table, key, ref value);
        }
        catch (StoreCorruptException exception)
        {
            throw Close(exception, NameOf(table));
        }
    }

    public IKvIterator Iterate(KvTable table)
    {
        string name = NameOf(table);
        return Guard(() => new Iterator(this, store.Iterate(table), name), name);
    }

    public bool TryGetNewest(ReadOnlySpan<byte> key, ref ValueBuffer value)
    {
        health.ThrowIfDamaged();
        try
        {
            return store.TryGetNewest(key, ref value);
        }
        catch (StoreCorruptException exception)
        {
            throw Close(exception, Versions);
        }
    }

    public bool TryGetAt(ReadOnlySpan<byte> key, CommitVersion at, ref ValueBuffer value)
    {
        health.ThrowIfDamaged();
        try
        {
            return store.TryGetAt(key, at, ref value);
        }
        catch (StoreCorruptException exception)
        {
            throw Close(exception, Versions);
        }
    }

    public IKvIterator IterateNewest() =>
        Guard(() => new Iterator(this, store.IterateNewest(), Versions), Versions);

    public IKvIterator IterateAt(CommitVersion at) =>
        Guard(() => new Iterator(this, store.IterateAt(at), Versions), Versions);

    public IKvBatch CreateBatch() => store.CreateBatch();

    public void Write(IKvBatch batch) => Guard(() => store.Write(batch));

    public void Flush() => Guard(store.Flush);

    public void CreateCheckpoint(IFileSystem files, string directory) =>
        Guard(() => store.CreateCheckpoint(files, directory));

    public void RaiseOldestReadable(CommitVersion oldest) => Guard(() => store.RaiseOldestReadable(oldest));

    public VersionFigures CountVersions() => Guard(store.CountVersions, Versions);

    public bool CompactPiece(long bytes) => Guard(() => store.CompactPiece(bytes), Versions);

    public StoreFigures GetFigures() => store.GetFigures();

    public void CheckBackground() => Guard(store.CheckBackground);

    public IStoreScrub BeginScrub(IFileSystem files) =>
        Guard(() => new Scrub(this, store.BeginScrub(files)), null);

    public IReadOnlyList<StoreFile> ListFiles() => Guard(store.ListFiles, null);

    public void Dispose()
    {
        // The store is closed by whoever opened it.
    }

    private static string NameOf(KvTable table) => table.ToString().ToLowerInvariant();

    private void Guard(Action action)
    {
        health.ThrowIfDamaged();
        try
        {
            action();
        }
        catch (StoreCorruptException exception)
        {
            throw Close(exception, null);
        }
    }

    private T Guard<T>(Func<T> action, string? table)
    {
        health.ThrowIfDamaged();
        try
        {
            return action();
        }
        catch (StoreCorruptException exception)
        {
            throw Close(exception, table);
        }
    }

    private StoreCorruptException Close(StoreCorruptException exception, string? table)
    {
        health.Report(StoreDamage.Of(exception, table));
        return new StoreCorruptException(exception.Message, exception.File, exception.Table ?? table);
    }

    private sealed class Scrub(GuardedKvStore owner, IStoreScrub inner) : IStoreScrub
    {
        public long SizeBytes => inner.SizeBytes;

        public int UncheckedFiles => inner.UncheckedFiles;

        public int Advance(int maxBytes) => owner.Guard(() => inner.Advance(maxBytes), null);

        public void Dispose() => inner.Dispose();
    }

    /// <summary>A cursor whose store may be closed by damage: from then on it refuses every access.</summary>
    private sealed class Iterator(GuardedKvStore owner, IKvIterator inner, string table) : IKvIterator
    {
        public bool IsValid => inner.IsValid;

        public ReadOnlySpan<byte> Key => inner.Key;

        public ReadOnlySpan<byte> Value => inner.Value;

        public bool Seek(ReadOnlySpan<byte> key)
        {
            owner.ThrowIfClosed();
            try
            {
                return inner.Seek(key);
            }
            catch (StoreCorruptException exception)
            {
                throw owner.Close(exception, table);
            }
        }

        public bool SeekBefore(ReadOnlySpan<byte> key)
        {
            owner.ThrowIfClosed();
            try
            {
                return inner.SeekBefore(key);
            }
            catch (StoreCorruptException exception)
            {
                throw owner.Close(exception, table);
            }
        }

        public bool MoveNext()
        {
            owner.ThrowIfClosed();
            try
            {
                return inner.MoveNext();
            }
            catch (StoreCorruptException exception)
            {
                throw owner.Close(exception, table);
            }
        }

        public bool MovePrevious()
        {
            owner.ThrowIfClosed();
            try
            {
                return inner.MovePrevious();
            }
            catch (StoreCorruptException exception)
            {
                throw owner.Close(exception, table);
            }
        }

        public void Dispose() => inner.Dispose();
    }

    private void ThrowIfClosed() => health.ThrowIfDamaged();
}

using KvCloud.Node.Files;
using KvCloud.Node.Operations;

namespace KvCloud.Node.Storage;

/// <summary>
/// The store on RocksDB, with one RocksDB column family per table. It has no write-ahead log, since the consensus log
/// serves as one. A flush writes the memtables of all tables atomically, so after a crash all tables stand at the same
/// batch. Versions are RocksDB's user-defined timestamps: a write need not read what it supersedes, and compaction
/// drops versions that can no longer be read.
/// </summary>
/// <remarks>Any thread may read until <see cref="Dispose"/>, which must come after the last read.</remarks>
internal sealed class RocksKvStore : IKvStore
{
    private const uint BlockCacheMissTicker = 0;
    private const uint BlockCacheHitTicker = 1;

    /// <summary>The tables of <see cref="KvTable"/>, then the versions table.</summary>
    private static readonly string[] FamilyNames = ["default", "garbage", "sessions", "versions"];

    private static readonly string[] DetailNames =
    [
        "actual-delayed-write-rate", "background-errors", "cur-size-all-mem-tables", "estimate-num-keys",
        "estimate-pending-compaction-bytes", "estimate-table-readers-mem", "is-write-stopped", "live-sst-files-size",
        "num-immutable-mem-table", "num-live-versions", "num-running-compactions", "num-running-flushes",
        "num-snapshots",
    ];

    private readonly RocksTableOptions _options;
    private readonly bool _hasStatistics;
    private readonly IntPtr[] _families = new IntPtr[FamilyNames.Length];
    private readonly IntPtr _database;
    private readonly IntPtr _readOptions;
    private readonly RocksReadVersion _readNewest = new(new CommitVersion(long.MaxValue));
    private readonly IntPtr _writeOptions;
    private readonly IntPtr _flushOptions;
    private readonly string _path;
    private readonly RocksCompaction _compaction;
    private CommitVersion _oldest;

    private RocksKvStore(string path, StoreOptions options, bool isReadOnly)
    {
        _path = path;
        _hasStatistics = options.EnableStatistics;
        _options = new RocksTableOptions(options);
        try
        {
            _database = isReadOnly
                ? RocksApi.OpenReadOnly(_options.Database, path, FamilyNames, _options.Families, _families)
                : RocksApi.Open(_options.Database, path, FamilyNames, _options.Families, _families);
        }
        catch
        {
            _options.Dispose();
            _readNewest.Dispose();
            throw;
        }

        _readOptions = RocksReadVersion.CreateOptions();
        _writeOptions = RocksApi.Native.rocksdb_writeoptions_create();
        RocksApi.Native.rocksdb_writeoptions_disable_WAL(_writeOptions, 1);
        _flushOptions = RocksApi.Native.rocksdb_flushoptions_create();
        RocksApi.Native.rocksdb_flushoptions_set_wait(_flushOptions, 1);
        _compaction = new RocksCompaction(
            _database, Versions, FamilyNames[^1], _families[(int)KvTable.Garbage], path);
    }

    /// <summary>Opens the store in this directory, creating it if it is missing.</summary>
    /// <exception cref="StoreFailedException">The directory cannot be used, or is in use.</exception>
    /// <exception cref="StoreCorruptException">The files in it are damaged.</exception>
    public static RocksKvStore Open(string path, StoreOptions options) => new(path, options, isReadOnly: false);

    /// <summary>Opens the store to be read alone: nothing in the directory but the program's own log changes.</summary>
    /// <inheritdoc cref="Open"/>
    public static RocksKvStore OpenReadOnly(string path, StoreOptions options) => new(path, options, isReadOnly: true);

    private IntPtr Versions => _families[^1];

    public bool TryGet(KvTable table, ReadOnlySpan<byte> key, ref ValueBuffer value) =>
        TryGet(_readOptions, _families[(int)table], key, ref value);

    public IKvIterator Iterate(KvTable table) => Iterate(_readOptions, _families[(int)table], null);

    public bool TryGetNewest(ReadOnlySpan<byte> key, ref ValueBuffer value) =>
        TryGet(_readNewest.Options, Versions, key, ref value);

    public bool TryGetAt(ReadOnlySpan<byte> key, CommitVersion at, ref ValueBuffer value)
    {
        using var version = new RocksReadVersion(at);
        return TryGet(version.Options, Versions, key, ref value);
    }

    public IKvIterator IterateNewest() => Iterate(_readNewest.Options, Versions, null);

    public IKvIterator IterateAt(CommitVersion at)
    {
        var version = new RocksReadVersion(at);
        return Iterate(version.Options, Versions, version);
    }

    public IKvBatch CreateBatch() => new RocksBatch(_families, Versions);

    public void Write(IKvBatch batch)
    {
        RocksApi.Native.rocksdb_write(_database, _writeOptions, ((RocksBatch)batch).Handle, out IntPtr error);
        RocksApi.ThrowOn(error, $"writing a batch to {_path}");
    }

    public void Flush()
    {
        RocksApi.Native.rocksdb_flush_cfs(_database, _flushOptions, _families, _families.Length, out IntPtr error);
        RocksApi.ThrowOn(error, $"flushing {_path}");
    }

    public unsafe void RaiseOldestReadable(CommitVersion oldest)
    {
        // RocksDB persists this, which costs a sync: call it only if there is something to drop.
        if (oldest <= _oldest)
        {
            return;
        }

        byte* timestamp = stackalloc byte[RocksTimestamp.SizeBytes];
        RocksTimestamp.Write(new Span<byte>(timestamp, RocksTimestamp.SizeBytes), oldest);
        RocksApi.Native.rocksdb_increase_full_history_ts_low(
            _database, Versions, (IntPtr)timestamp, RocksTimestamp.SizeBytes, out IntPtr error);
        RocksApi.ThrowOn(error, $"forgetting old versions of {_path}");
        _oldest = oldest;
    }

    public bool IsFlushed => Array.TrueForAll(
        _families,
        family => RocksApi.Property(_database, family, "rocksdb.num-entries-active-mem-table") == 0
            && RocksApi.Property(_database, family, "rocksdb.num-entries-imm-mem-tables") == 0);

    /// <inheritdoc/>
    /// <remarks>
    /// Files are linked, not copied, where it is on the same file system. What is not in files yet RocksDB flushes
    /// first, of all tables up to the same batch, since atomic_flush is set: see docs/adr/0014.
    /// </remarks>
    public void CreateCheckpoint(IFileSystem files, string directory)
    {
        IntPtr checkpoint = RocksApi.Native.rocksdb_checkpoint_object_create(_database, out IntPtr error);
        RocksApi.ThrowOn(error, $"preparing a checkpoint of {_path}");
        const ulong AlwaysFlush = 0;
        RocksApi.Native.rocksdb_checkpoint_create(checkpoint, directory, AlwaysFlush, out error);
        RocksApi.Native.rocksdb_checkpoint_object_destroy(checkpoint);
        RocksApi.ThrowOn(error, $"making a checkpoint of {_path} in {directory}");
    }

    public VersionFigures CountVersions() => _compaction.Count();

    public bool CompactPiece(long bytes) => _compaction.CompactPiece(bytes);

    public StoreFigures GetFigures()
    {
        var details = new List<KeyValuePair<string, long>>();
        foreach (string name in DetailNames)
        {
            details.Add(new($"rocksdb.{name}", SumOf($"rocksdb.{name}")));
        }

        details.Add(new("rocksdb.block-cache-usage", _options.CacheUsageBytes));
        details.AddRange(FamilyNames.Select((name, i) => new KeyValuePair<string, long>(
            $"rocksdb.{name}.estimate-num-keys", RocksApi.Property(
                _database, _families[i], "rocksdb.estimate-num-keys"))));
        details.Sort((left, right) => string.CompareOrdinal(left.Key, right.Key));
        return new StoreFigures(
            SumOf("rocksdb.total-sst-files-size") + SumOf("rocksdb.cur-size-all-mem-tables"),
            CacheHitPercent(),
            SumOf("rocksdb.estimate-pending-compaction-bytes"),
            details);
    }

    public void CheckBackground()
    {
        // RocksDB keeps the error of a flush or a compaction for whoever writes next.
        if (SumOf("rocksdb.background-errors") > 0)
        {
            using IKvBatch nothing = CreateBatch();
            Write(nothing);
        }
    }

    public IStoreScrub BeginScrub(IFileSystem files) => new RocksScrub(
        files, _path, ListFiles(), name => ListFiles().Any(file => file.Name == name));

    public IReadOnlyList<StoreFile> ListFiles() => RocksFiles.List(_database, _path);

    public void Dispose()
    {
        RocksApi.Native.rocksdb_cancel_all_background_work(_database, 1);
        foreach (IntPtr family in _families)
        {
            RocksApi.Native.rocksdb_column_family_handle_destroy(family);
        }

        RocksApi.Native.rocksdb_close(_database);
        RocksApi.Native.rocksdb_readoptions_destroy(_readOptions);
        _readNewest.Dispose();
        _compaction.Dispose();
        RocksApi.Native.rocksdb_writeoptions_destroy(_writeOptions);
        RocksApi.Native.rocksdb_flushoptions_destroy(_flushOptions);
        _options.Dispose();
    }

    private unsafe bool TryGet(IntPtr readOptions, IntPtr family, ReadOnlySpan<byte> key, ref ValueBuffer value)
    {
        Span<byte> space = value.Space;
        while (true)
        {
            UIntPtr length;
            byte found;
            byte fits;
            fixed (byte* keyPointer = key)
            fixed (byte* spacePointer = space)
            {
                fits = RocksApi.Native.rocksdb_get_into_buffer_cf(
                    _database, readOptions, family, keyPointer, (UIntPtr)key.Length,
                    (IntPtr)spacePointer, (UIntPtr)space.Length, out length, out found, out IntPtr error);
                if (error != IntPtr.Zero)
                {
                    RocksApi.ThrowOnRead(error, $"reading from {_path}");
                }
            }

            if (found == 0)
            {
                return false;
            }

            space = value.Take(checked((int)length));
            if (fits != 0)
            {
                return true;
            }

            // The value did not fit, and now there is room. It may have grown meanwhile, so try again until it fits.
        }
    }

    private RocksIterator Iterate(IntPtr readOptions, IntPtr family, RocksReadVersion? version)
    {
        var iterator = new RocksIterator(
            RocksApi.Native.rocksdb_create_iterator_cf(_database, readOptions, family), version);
        try
        {
            iterator.CheckError();
            return iterator;
        }
        catch
        {
            iterator.Dispose();
            throw;
        }
    }

    private long SumOf(string property) => _families.Sum(family => RocksApi.Property(_database, family, property));

    private long? CacheHitPercent()
    {
        if (!_hasStatistics)
        {
            return null;
        }

        long hits = (long)RocksApi.Native.rocksdb_options_statistics_get_ticker_count(
            _options.Database, BlockCacheHitTicker);
        long misses = (long)RocksApi.Native.rocksdb_options_statistics_get_ticker_count(
            _options.Database, BlockCacheMissTicker);
        return hits + misses == 0 ? null : hits * 100 / (hits + misses);
    }
}

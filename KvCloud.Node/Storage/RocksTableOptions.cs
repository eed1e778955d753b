using System.Runtime.InteropServices;
using RocksDbSharp;

namespace KvCloud.Node.Storage;

/// <summary>Turns <see cref="StoreOptions"/> into RocksDB's options, and frees their memory at the end.</summary>
internal sealed class RocksTableOptions : IDisposable
{
    private readonly StoreOptions _options;
    private readonly IntPtr _cache;
    private readonly List<IntPtr> _tableFactories = [];
    private IntPtr _checksums;

    public RocksTableOptions(StoreOptions options)
    {
        _options = options;
        _cache = RocksApi.Native.rocksdb_cache_create_lru((UIntPtr)options.BlockCacheSizeBytes);
        Database = CreateDatabaseOptions();
        Families =
        [
            .. Enum.GetValues<KvTable>().Select(table => CreateFamilyOptions(
                RocksApi.Native.rocksdb_options_create(), isLookedUp: table == KvTable.Sessions)),
            CreateFamilyOptions(CreateVersioned(), isLookedUp: true),
        ];
    }

    public IntPtr Database { get; }

    /// <summary>Options by table number, followed by those of the versions table.</summary>
    public IntPtr[] Families { get; }

    public long CacheUsageBytes => (long)RocksApi.Native.rocksdb_cache_get_usage(_cache);

    public void Dispose()
    {
        foreach (IntPtr family in Families)
        {
            RocksApi.Native.rocksdb_options_destroy(family);
        }

        foreach (IntPtr factory in _tableFactories)
        {
            RocksApi.Native.rocksdb_block_based_options_destroy(factory);
        }

        RocksApi.Native.rocksdb_options_destroy(Database);
        RocksApi.Native.rocksdb_file_checksum_gen_factory_destroy(_checksums);
        RocksApi.Native.rocksdb_cache_destroy(_cache);
    }

    private IntPtr CreateDatabaseOptions()
    {
        Native native = RocksApi.Native;
        IntPtr options = native.rocksdb_options_create();
        native.rocksdb_options_set_create_if_missing(options, 1);
        native.rocksdb_options_set_create_missing_column_families(options, 1);

        // RocksDB's defaults too, but what is served rests on them: damage is an error and ends all writes, and a file
        // that is not the one it was is not opened. Each file's checksum is noted when it is written: see RocksScrub.
        native.rocksdb_options_set_paranoid_checks(options, 1);
        native.rocksdb_options_set_verify_sst_unique_id_in_manifest(options, 1);
        _checksums = native.rocksdb_file_checksum_gen_crc32c_factory_create();
        native.rocksdb_options_set_file_checksum_gen_factory(options, _checksums);

        // Without a write-ahead log, only this keeps the tables consistent across a crash: a batch is on disk either in
        // all of them or in none.
        native.rocksdb_options_set_atomic_flush(options, 1);
        native.rocksdb_options_set_db_write_buffer_size(options, (UIntPtr)_options.MemtableLimitBytes);
        native.rocksdb_options_set_max_background_jobs(options, _options.MaxBackgroundJobs);
        native.rocksdb_options_set_bytes_per_sync(options, (ulong)_options.BytesPerSync);
        native.rocksdb_options_set_max_log_file_size(options, (UIntPtr)_options.InfoLogSizeBytes);
        native.rocksdb_options_set_keep_log_file_num(options, (UIntPtr)_options.KeepInfoLogs);
        native.rocksdb_options_set_stats_dump_period_sec(options, (uint)_options.StatisticsDumpSeconds);

        // A clean shutdown equals a crash: the caller has flushed what matters, and the consensus log has the rest.
        native.rocksdb_options_set_avoid_flush_during_shutdown(options, 1);
        if (_options.EnableStatistics)
        {
            native.rocksdb_options_enable_statistics(options);
            native.rocksdb_options_set_statistics_level(options, (int)_options.StatisticsLevel);
        }

        return options;
    }

    /// <summary>
    /// Options with the comparator that keeps a version beside each key. The C interface can set it only by name.
    /// </summary>
    private static IntPtr CreateVersioned()
    {
        IntPtr defaults = RocksApi.Native.rocksdb_options_create();
        IntPtr versioned = RocksApi.Native.rocksdb_options_create();
        IntPtr text = Marshal.StringToCoTaskMemUTF8($"comparator={RocksTimestamp.ComparatorName}");
        RocksApi.Native.rocksdb_get_options_from_string(defaults, text, versioned, out IntPtr error);
        Marshal.FreeCoTaskMem(text);
        RocksApi.Native.rocksdb_options_destroy(defaults);
        RocksApi.ThrowOn(error, "choosing the comparator of versions");
        return versioned;
    }

    /// <param name="options">Options to be completed.</param>
    /// <param name="isLookedUp">Whether the table is read by point lookups, which filters help, rather than by
    /// iteration.</param>
    private IntPtr CreateFamilyOptions(IntPtr options, bool isLookedUp)
    {
        Native native = RocksApi.Native;
        native.rocksdb_options_set_write_buffer_size(options, (UIntPtr)_options.WriteBufferSizeBytes);
        native.rocksdb_options_set_max_write_buffer_number(options, _options.MaxWriteBufferNumber);
        native.rocksdb_options_set_level0_file_num_compaction_trigger(options, _options.Level0Files);
        native.rocksdb_options_set_level_compaction_dynamic_level_bytes(
            options, RocksApi.AsByte(_options.DynamicLevelBytes));
        native.rocksdb_options_set_target_file_size_base(options, (ulong)_options.TargetFileSizeBytes);
        native.rocksdb_options_set_target_file_size_multiplier(options, _options.TargetFileSizeMultiplier);
        native.rocksdb_options_set_max_bytes_for_level_base(options, (ulong)_options.Level1SizeBytes);
        native.rocksdb_options_set_max_bytes_for_level_multiplier(options, _options.LevelSizeMultiplier);
        native.rocksdb_options_set_compaction_pri(options, (int)_options.CompactionPriority);
        int[] levels = [(int)_options.Level0Compression, .. Enumerable.Repeat((int)_options.Level1Compression, 6)];
        native.rocksdb_options_set_compression_per_level(options, levels, (UIntPtr)levels.Length);
        native.rocksdb_options_set_bottommost_compression(options, (int)_options.BottomCompression);
        if (isLookedUp)
        {
            // A miss in the memtable is found without searching it.
            native.rocksdb_options_set_memtable_prefix_bloom_size_ratio(options, 0.02);
            native.rocksdb_options_set_memtable_whole_key_filtering(options, 1);
        }

        native.rocksdb_options_set_block_based_table_factory(options, CreateTableFactory(isLookedUp));
        return options;
    }

    private IntPtr CreateTableFactory(bool isLookedUp)
    {
        Native native = RocksApi.Native;
        IntPtr factory = native.rocksdb_block_based_options_create();
        _tableFactories.Add(factory);
        native.rocksdb_block_based_options_set_block_cache(factory, _cache);
        native.rocksdb_block_based_options_set_block_size(factory, (UIntPtr)_options.BlockSizeBytes);
        native.rocksdb_block_based_options_set_cache_index_and_filter_blocks(
            factory, RocksApi.AsByte(_options.CacheIndexAndFilterBlocks));
        native.rocksdb_block_based_options_set_cache_index_and_filter_blocks_with_high_priority(factory, 1);
        native.rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(
            factory, RocksApi.AsByte(_options.PinLevel0FilterAndIndexBlocks));
        if (isLookedUp && _options.BloomBitsPerKey > 0)
        {
            native.rocksdb_block_based_options_set_filter_policy(
                factory, native.rocksdb_filterpolicy_create_bloom_full(_options.BloomBitsPerKey));
        }

        return factory;
    }
}

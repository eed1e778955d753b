using KvCloud.Node.Storage;
using RocksDbSharp;

namespace KvCloud.Node.Configuration;

/// <summary>Maps the settings of RocksDB to the options of the data store.</summary>
internal static class StoreMapping
{
    private const long MiB = 1024 * 1024;

    public static StoreOptions ToStoreOptions(this NodeOptions options) => new()
    {
        WriteBufferSizeBytes = options.Rocksdb.WriteBufferSizeMb * MiB,
        MaxWriteBufferNumber = options.Rocksdb.MaxWriteBufferNumber,
        MemtableLimitBytes =
            options.Memory.EnableWriteBufferManager ? options.Memory.WriteBufferManagerLimitMb * MiB : 0,
        BlockCacheSizeBytes = options.Rocksdb.BlockCacheSizeMb * MiB,
        BlockSizeBytes = options.Rocksdb.BlockSizeKb * 1024,
        CacheIndexAndFilterBlocks = options.Cache.CacheIndexAndFilterBlocks,
        PinLevel0FilterAndIndexBlocks = options.Cache.PinL0FilterAndIndexBlocksInCache,
        BloomBitsPerKey = options.BloomFilter.Enabled ? options.BloomFilter.BitsPerKey : 0,
        Level0Compression = CompressionOf(options.Compression.L0Compression),
        Level1Compression = CompressionOf(options.Compression.L1Compression),
        BottomCompression = CompressionOf(options.Compression.BottomCompression),
        CompactionPriority = PriorityOf(options.Compaction.CompactionPriority),
        Level0Files = options.Compaction.Level0FileNumCompactionTrigger,
        MaxBackgroundJobs = options.Rocksdb.MaxBackgroundJobs,
        DynamicLevelBytes = options.Rocksdb.DynamicLevelBytes,
        TargetFileSizeBytes = options.Compaction.TargetFileSizeBaseMb * MiB,
        TargetFileSizeMultiplier = options.Compaction.TargetFileSizeMultiplier,
        Level1SizeBytes = options.Compaction.MaxBytesForLevelBaseMb * MiB,
        LevelSizeMultiplier = options.Compaction.MaxBytesForLevelMultiplier,
        BytesPerSync = options.Rocksdb.BytesPerSync,
        EnableStatistics = options.Performance.EnableStatistics,
        StatisticsLevel = StatisticsOf(options.Performance.StatisticsLevel),
        StatisticsDumpSeconds = options.Performance.EnableStatistics ? options.Performance.StatsDumpPeriodSec : 0,
        InfoLogSizeBytes = options.Logging.MaxLogFileSizeMb * MiB,
        KeepInfoLogs = options.Logging.KeepLogFileNum,
    };

    private static Compression CompressionOf(string name) => name switch
    {
        "none" => Compression.No,
        "snappy" => Compression.Snappy,
        "zlib" => Compression.Zlib,
        "lz4" => Compression.Lz4,
        "lz4hc" => Compression.Lz4hc,
        "zstd" => Compression.Zstd,
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "unknown RocksDB compression"),
    };

    private static CompactionPri PriorityOf(string name) => name switch
    {
        "by_compensated_size" => CompactionPri.ByCompensatedSize,
        "oldest_largest_seq_first" => CompactionPri.OldestLargestSeqFirst,
        "oldest_smallest_seq_first" => CompactionPri.OldestSmallestSeqFirst,
        "min_overlapping_ratio" => CompactionPri.MinOverlappingRatio,
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "unknown RocksDB compaction priority"),
    };

    private static StatisticsLevel StatisticsOf(string name) => name switch
    {
        "disable_all" => StatisticsLevel.DisableAll,
        "except_tickers" => StatisticsLevel.ExceptTickers,
        "except_histogram_or_timers" => StatisticsLevel.ExceptHistogramOrTimers,
        "except_timers" => StatisticsLevel.ExceptTimers,
        "except_detailed_timers" => StatisticsLevel.ExceptDetailedTimers,
        "except_time_for_mutex" => StatisticsLevel.ExceptTimeForMutex,
        "all" => StatisticsLevel.All,
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "unknown RocksDB statistics level"),
    };
}

namespace KvCloud.Node.Configuration;

// RocksDB's knobs, by the names they have in the existing server's file.

internal sealed record RocksdbOptions
{
    [About("Size of one memtable.")]
    [Between(1, 16 * 1024)]
    public int WriteBufferSizeMb { get; init; } = 8;

    [About("Memtables of a column family, the one being written included.")]
    [Between(2, 64)]
    public int MaxWriteBufferNumber { get; init; } = 3;

    [About("Block cache, shared by all column families.")]
    [Between(1, 1024 * 1024)]
    public int BlockCacheSizeMb { get; init; } = 16;

    [About("Uncompressed size of a block.")]
    [Between(1, 4 * 1024)]
    public int BlockSizeKb { get; init; } = 8;

    [About("Flushes and compactions side by side.")]
    [Between(2, 256)]
    public int MaxBackgroundJobs { get; init; } = 2;

    [About("A file being written is handed to the disk every so many bytes; 0 for when it is complete.")]
    [Between(0, 1024 * 1024 * 1024)]
    public long BytesPerSync { get; init; } = 1024 * 1024;

    [About("Whether level sizes follow the size of the last level.")]
    public bool DynamicLevelBytes { get; init; } = true;
}

internal sealed record CacheOptions
{
    [About(
        "Whether index and filter blocks live in the block cache, and so are bounded by it. Otherwise they take"
        + " about 2 bytes of memory for each key, and a read of a key that is not in the cache is cheaper.")]
    public bool CacheIndexAndFilterBlocks { get; init; }

    [About("Whether those of level 0 stay there, where they are in it.")]
    public bool PinL0FilterAndIndexBlocksInCache { get; init; } = true;

    [About("Share of the block cache that is kept for index and filter blocks.")]
    [Between(0, 1)]
    [NoEffect("RocksDB's C interface does not offer it; those blocks have high priority all the same")]
    public double HighPriorityPoolRatio { get; init; } = 0.2;
}

internal sealed record CompressionOptions
{
    [About("Of level 0.")]
    [OneOf("none", "snappy", "zlib", "lz4", "lz4hc", "zstd")]
    public string L0Compression { get; init; } = "none";

    [About("Of level 1 and those below, but the last.")]
    [OneOf("none", "snappy", "zlib", "lz4", "lz4hc", "zstd")]
    public string L1Compression { get; init; } = "lz4";

    [About("Of the last level.")]
    [OneOf("none", "snappy", "zlib", "lz4", "lz4hc", "zstd")]
    public string BottomCompression { get; init; } = "lz4";
}

internal sealed record CompactionOptions
{
    [About("Which file of a level goes first.")]
    [OneOf("by_compensated_size", "oldest_largest_seq_first", "oldest_smallest_seq_first", "min_overlapping_ratio")]
    public string CompactionPriority { get; init; } = "min_overlapping_ratio";

    [About("Files of level 0 that are merged at once into the level below. More of them are less work for a write,"
        + " and more for a read.")]
    [Between(1, 64)]
    public int Level0FileNumCompactionTrigger { get; init; } = 8;

    [About("Size of a file of level 1.")]
    [Between(1, 16 * 1024)]
    public int TargetFileSizeBaseMb { get; init; } = 32;

    [About("How much larger the files of each further level are.")]
    [Between(1, 100)]
    public int TargetFileSizeMultiplier { get; init; } = 2;

    [About("Size of level 1.")]
    [Between(1, 1024 * 1024)]
    public int MaxBytesForLevelBaseMb { get; init; } = 128;

    [About("How much larger each further level is.")]
    [Between(2, 100)]
    public int MaxBytesForLevelMultiplier { get; init; } = 10;
}

internal sealed record BloomFilterOptions
{
    [About("Whether files carry a bloom filter of their keys.")]
    public bool Enabled { get; init; } = true;

    [About("Bits for each key: 10 let about one lookup in a hundred through in vain.")]
    [Between(1, 64)]
    public int BitsPerKey { get; init; } = 10;
}

internal sealed record MemoryOptions
{
    [About("Memtables of all column families together, where enable_write_buffer_manager is true.")]
    [Between(1, 1024 * 1024)]
    public int WriteBufferManagerLimitMb { get; init; } = 16;

    [About("Whether memtables are bounded together.")]
    public bool EnableWriteBufferManager { get; init; } = true;
}

internal sealed record LoggingOptions
{
    [About("Least level of the node's own log lines: trace, debug, info, warn, error or none.")]
    [OneOf("trace", "debug", "info", "warn", "error", "none")]
    public string LogLevel { get; init; } = "info";

    [About("Size at which RocksDB starts a new LOG file.")]
    [Between(1, 16 * 1024)]
    public int MaxLogFileSizeMb { get; init; } = 10;

    [About("LOG files that RocksDB keeps.")]
    [Between(1, 1000)]
    public int KeepLogFileNum { get; init; } = 5;
}

internal sealed record PerformanceOptions
{
    [About("How much RocksDB counts, where enable_statistics is true.")]
    [OneOf("disable_all", "except_tickers", "except_histogram_or_timers", "except_timers", "except_detailed_timers",
        "except_time_for_mutex", "all")]
    public string StatisticsLevel { get; init; } = "except_detailed_timers";

    [About("Whether RocksDB counts what it does; costs some speed.")]
    public bool EnableStatistics { get; init; }

    [About("How often RocksDB writes its statistics into its LOG; 0 for never.")]
    [Between(0, 86_400)]
    public int StatsDumpPeriodSec { get; init; } = 600;
}

internal sealed record ConcurrencyOptions
{
    [About("Reads side by side.")]
    [Between(1, 65_536)]
    [NoEffect("reads of one key run on the thread of their connection, costly ones within limits.max_concurrent_scans")]
    public int MaxReadConcurrency { get; init; } = 32;
}

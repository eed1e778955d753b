namespace KvCloud.Node.Configuration;

// RocksDB's options, with the names they have in the existing server's file.

internal sealed record RocksdbOptions
{
    [About("Size of one memtable.")]
    [Between(1, 16 * 1024)]
    public int WriteBufferSizeMb { get; init; } = 8;

    [About("Most memtables per column family, including the one being written.")]
    [Between(2, 64)]
    public int MaxWriteBufferNumber { get; init; } = 3;

    [About("Block cache, shared by all column families.")]
    [Between(1, 1024 * 1024)]
    public int BlockCacheSizeMb { get; init; } = 16;

    [About("Uncompressed size of a block.")]
    [Between(1, 4 * 1024)]
    public int BlockSizeKb { get; init; } = 8;

    [About("Concurrent flushes and compactions.")]
    [Between(2, 256)]
    public int MaxBackgroundJobs { get; init; } = 2;

    [About("RocksDB starts to write a file out to disk every this many bytes; 0 waits until it is complete.")]
    [Between(0, 1024 * 1024 * 1024)]
    public long BytesPerSync { get; init; } = 1024 * 1024;

    [About("Whether level sizes adapt to the size of the last level.")]
    public bool DynamicLevelBytes { get; init; } = true;
}

internal sealed record CacheOptions
{
    [About(
        "Whether index and filter blocks are in the block cache and limited by its size. Otherwise they take"
        + " about 2 bytes of memory per key, and reading a key that is not in the cache is cheaper.")]
    public bool CacheIndexAndFilterBlocks { get; init; }

    [About("Whether index and filter blocks of level 0 are pinned in the block cache.")]
    public bool PinL0FilterAndIndexBlocksInCache { get; init; } = true;

    [About("Share of the block cache reserved for index and filter blocks.")]
    [Between(0, 1)]
    [NoEffect("RocksDB's C interface does not offer it; those blocks have high priority all the same")]
    public double HighPriorityPoolRatio { get; init; } = 0.2;
}

internal sealed record CompressionOptions
{
    [About("Compression of level 0.")]
    [OneOf("none", "snappy", "zlib", "lz4", "lz4hc", "zstd")]
    public string L0Compression { get; init; } = "none";

    [About("Compression of level 1 and below, except the last level.")]
    [OneOf("none", "snappy", "zlib", "lz4", "lz4hc", "zstd")]
    public string L1Compression { get; init; } = "lz4";

    [About("Compression of the last level.")]
    [OneOf("none", "snappy", "zlib", "lz4", "lz4hc", "zstd")]
    public string BottomCompression { get; init; } = "lz4";
}

internal sealed record CompactionOptions
{
    [About("Which file of a level is compacted first.")]
    [OneOf("by_compensated_size", "oldest_largest_seq_first", "oldest_smallest_seq_first", "min_overlapping_ratio")]
    public string CompactionPriority { get; init; } = "min_overlapping_ratio";

    [About("Number of level 0 files that triggers a compaction into level 1. A higher number makes writes cheaper"
        + " and reads more expensive.")]
    [Between(1, 64)]
    public int Level0FileNumCompactionTrigger { get; init; } = 8;

    [About("Target size of a level 1 file.")]
    [Between(1, 16 * 1024)]
    public int TargetFileSizeBaseMb { get; init; } = 32;

    [About("Factor between the file sizes of two levels.")]
    [Between(1, 100)]
    public int TargetFileSizeMultiplier { get; init; } = 2;

    [About("Target size of level 1.")]
    [Between(1, 1024 * 1024)]
    public int MaxBytesForLevelBaseMb { get; init; } = 128;

    [About("Factor between the sizes of two levels.")]
    [Between(2, 100)]
    public int MaxBytesForLevelMultiplier { get; init; } = 10;
}

internal sealed record BloomFilterOptions
{
    [About("Whether files carry a bloom filter of their keys.")]
    public bool Enabled { get; init; } = true;

    [About("Bits per key; with 10, about 1 % of the lookups for absent keys are false positives.")]
    [Between(1, 64)]
    public int BitsPerKey { get; init; } = 10;
}

internal sealed record MemoryOptions
{
    [About("Limit for the memtables of all column families together, if enable_write_buffer_manager is true.")]
    [Between(1, 1024 * 1024)]
    public int WriteBufferManagerLimitMb { get; init; } = 16;

    [About("Whether the memtables of all column families share one limit.")]
    public bool EnableWriteBufferManager { get; init; } = true;
}

internal sealed record LoggingOptions
{
    [About("Minimum level of the node's log lines: trace, debug, info, warn, error or none.")]
    [OneOf("trace", "debug", "info", "warn", "error", "none")]
    public string LogLevel { get; init; } = "info";

    [About("A read or write that takes at least so long is kept for /slow, with its first key; 0 for none.")]
    [Between(0, 3_600_000)]
    public int SlowCallMs { get; init; } = 100;

    [About("Size at which RocksDB starts a new LOG file.")]
    [Between(1, 16 * 1024)]
    public int MaxLogFileSizeMb { get; init; } = 10;

    [About("LOG files that RocksDB keeps.")]
    [Between(1, 1000)]
    public int KeepLogFileNum { get; init; } = 5;
}

internal sealed record PerformanceOptions
{
    [About("How much RocksDB counts, if enable_statistics is true.")]
    [OneOf("disable_all", "except_tickers", "except_histogram_or_timers", "except_timers", "except_detailed_timers",
        "except_time_for_mutex", "all")]
    public string StatisticsLevel { get; init; } = "except_detailed_timers";

    [About("Whether RocksDB collects statistics; this costs some throughput.")]
    public bool EnableStatistics { get; init; }

    [About("How often RocksDB writes its statistics to its LOG file; 0 means never.")]
    [Between(0, 86_400)]
    public int StatsDumpPeriodSec { get; init; } = 600;
}

internal sealed record ConcurrencyOptions
{
    [About("Concurrent reads.")]
    [Between(1, 65_536)]
    [NoEffect("reads of one key run on the thread of their connection, costly ones within limits.max_concurrent_scans")]
    public int MaxReadConcurrency { get; init; } = 32;
}

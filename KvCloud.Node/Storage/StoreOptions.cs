using RocksDbSharp;

namespace KvCloud.Node.Storage;

/// <summary>
/// How the data store uses memory, disk and processors. The defaults keep a whole replica near 100 MB on two cores;
/// docs/configuration.md names the setting behind each.
/// </summary>
internal sealed record StoreOptions
{
    /// <summary>When a table's memtable reaches this size, the memtables of all tables are flushed together.</summary>
    public long WriteBufferSizeBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>Memtables per table, including the one being written. Beyond that, writers wait for flushes.</summary>
    public int MaxWriteBufferNumber { get; init; } = 3;

    /// <summary>Limit of all memtables together; 0 for no limit beyond the two above.</summary>
    public long MemtableLimitBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>Shared by all tables.</summary>
    public long BlockCacheSizeBytes { get; init; } = 16 * 1024 * 1024;

    public int BlockSizeBytes { get; init; } = 8 * 1024;

    public bool CacheIndexAndFilterBlocks { get; init; }

    public bool PinLevel0FilterAndIndexBlocks { get; init; } = true;

    /// <summary>
    /// Bits per key in the bloom filters of files; 0 for none. Ten bits give one false positive in a hundred lookups.
    /// </summary>
    public int BloomBitsPerKey { get; init; } = 10;

    public Compression Level0Compression { get; init; } = Compression.No;

    public Compression Level1Compression { get; init; } = Compression.Lz4;

    public Compression BottomCompression { get; init; } = Compression.Lz4;

    /// <summary>
    /// When level 0 has this many files, they are merged into the level below, most of which is rewritten. Each file in
    /// level 0 is one more that a read must check, at least its bloom filter. Measured in docs/benchmark.md.
    /// </summary>
    public int Level0Files { get; init; } = 8;

    public CompactionPri CompactionPriority { get; init; } = CompactionPri.MinOverlappingRatio;

    public int MaxBackgroundJobs { get; init; } = 2;

    public bool DynamicLevelBytes { get; init; } = true;

    public long TargetFileSizeBytes { get; init; } = 32 * 1024 * 1024;

    public int TargetFileSizeMultiplier { get; init; } = 2;

    public long Level1SizeBytes { get; init; } = 128 * 1024 * 1024;

    public int LevelSizeMultiplier { get; init; } = 10;

    /// <summary>
    /// Files being written are flushed to disk in pieces of this size, so that no single sync has much to do; 0
    /// disables it.
    /// </summary>
    public long BytesPerSync { get; init; } = 1024 * 1024;

    /// <summary>
    /// Required for the cache hit rate. Costs a little on every read and write, so it is off by default.
    /// </summary>
    public bool EnableStatistics { get; init; }

    public StatisticsLevel StatisticsLevel { get; init; } = StatisticsLevel.ExceptHistogramOrTimers;

    /// <summary>0 disables it.</summary>
    public int StatisticsDumpSeconds { get; init; }

    public long InfoLogSizeBytes { get; init; } = 10 * 1024 * 1024;

    public int KeepInfoLogs { get; init; } = 5;
}

using RocksDbSharp;

namespace KvCloud.Node.Storage;

/// <summary>
/// How the data store uses memory, disk and processors. The defaults keep a whole replica near 100 MB on two cores;
/// docs/configuration.md names the setting behind each.
/// </summary>
internal sealed record StoreOptions
{
    /// <summary>
    /// A table's memtable is written to disk when it reaches this; all tables are then written together.
    /// </summary>
    public long WriteBufferSizeBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>Memtables of a table, the one being written included. Beyond that writers wait for the disk.</summary>
    public int MaxWriteBufferNumber { get; init; } = 3;

    /// <summary>All memtables together; 0 for no limit but the two above.</summary>
    public long MemtableLimitBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>Shared by all tables.</summary>
    public long BlockCacheSizeBytes { get; init; } = 16 * 1024 * 1024;

    public int BlockSizeBytes { get; init; } = 8 * 1024;

    public bool CacheIndexAndFilterBlocks { get; init; }

    public bool PinLevel0FilterAndIndexBlocks { get; init; } = true;

    /// <summary>
    /// Bits a key in the bloom filters of files; 0 for none. Ten let one lookup in a hundred through in vain.
    /// </summary>
    public int BloomBitsPerKey { get; init; } = 10;

    public Compression Level0Compression { get; init; } = Compression.No;

    public Compression Level1Compression { get; init; } = Compression.Lz4;

    public Compression BottomCompression { get; init; } = Compression.Lz4;

    /// <summary>
    /// So many files in level 0 are merged at once into the level below, most of which is written anew with them. Each
    /// is one more for a read to look into, or to ask its bloom filter. Measured in docs/benchmark.md.
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
    /// Files being written are handed to the disk in pieces of this size, so that no sync has much to do; 0 for not.
    /// </summary>
    public long BytesPerSync { get; init; } = 1024 * 1024;

    /// <summary>
    /// Needed for the cache hit rate. Costs every read and write something, so it is off unless asked for.
    /// </summary>
    public bool EnableStatistics { get; init; }

    public StatisticsLevel StatisticsLevel { get; init; } = StatisticsLevel.ExceptHistogramOrTimers;

    /// <summary>0 for never.</summary>
    public int StatisticsDumpSeconds { get; init; }

    public long InfoLogSizeBytes { get; init; } = 10 * 1024 * 1024;

    public int KeepInfoLogs { get; init; } = 5;
}

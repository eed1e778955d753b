using KvCloud.Node.Configuration;
using KvCloud.Node.Storage;
using RocksDbSharp;

namespace KvCloud.Tests.Node.Configuration;

public sealed class StoreMappingTests : IDisposable
{
    private readonly SettingsFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public void ToStoreOptions_of_every_knob_hands_it_on()
    {
        NodeOptions options = _fixture.Load(
            """
            [rocksdb]
            write_buffer_size_mb = 2
            max_write_buffer_number = 4
            block_cache_size_mb = 3
            block_size_kb = 5
            max_background_jobs = 6
            bytes_per_sync = 7
            dynamic_level_bytes = false
            [bloom_filter]
            bits_per_key = 8
            [compression]
            l0_compression = "snappy"
            l1_compression = "zlib"
            bottom_compression = "lz4hc"
            [compaction]
            compaction_priority = "oldest_largest_seq_first"
            target_file_size_base_mb = 9
            target_file_size_multiplier = 10
            max_bytes_for_level_base_mb = 11
            max_bytes_for_level_multiplier = 12
            [cache]
            cache_index_and_filter_blocks = true
            pin_l0_filter_and_index_blocks_in_cache = false
            [memory]
            write_buffer_manager_limit_mb = 13
            [logging]
            max_log_file_size_mb = 14
            keep_log_file_num = 15
            [performance]
            statistics_level = "all"
            enable_statistics = true
            stats_dump_period_sec = 16
            """).Options;

        Assert.Equal(
            new StoreOptions
            {
                WriteBufferSizeBytes = 2 << 20,
                MaxWriteBufferNumber = 4,
                MemtableLimitBytes = 13 << 20,
                BlockCacheSizeBytes = 3 << 20,
                BlockSizeBytes = 5 << 10,
                CacheIndexAndFilterBlocks = true,
                PinLevel0FilterAndIndexBlocks = false,
                BloomBitsPerKey = 8,
                Level0Compression = Compression.Snappy,
                Level1Compression = Compression.Zlib,
                BottomCompression = Compression.Lz4hc,
                CompactionPriority = CompactionPri.OldestLargestSeqFirst,
                MaxBackgroundJobs = 6,
                DynamicLevelBytes = false,
                TargetFileSizeBytes = 9 << 20,
                TargetFileSizeMultiplier = 10,
                Level1SizeBytes = 11 << 20,
                LevelSizeMultiplier = 12,
                BytesPerSync = 7,
                EnableStatistics = true,
                StatisticsLevel = StatisticsLevel.All,
                StatisticsDumpSeconds = 16,
                InfoLogSizeBytes = 14 << 20,
                KeepInfoLogs = 15,
            },
            options.ToStoreOptions());
    }

    [Fact]
    public void ToStoreOptions_of_what_is_switched_off_is_zero()
    {
        var store = _fixture.Load(
            "[bloom_filter]\nenabled = false\n[memory]\nenable_write_buffer_manager = false\n")
            .Options.ToStoreOptions();

        Assert.Equal((0, 0L), (store.BloomBitsPerKey, store.MemtableLimitBytes));
    }

    [Theory]
    [InlineData("compression.l0_compression")]
    [InlineData("compaction.compaction_priority")]
    [InlineData("performance.statistics_level")]
    public void ToStoreOptions_of_every_choice_of_a_knob_is_known_to_the_store(string path)
    {
        Setting setting = SettingsCatalog.Get(path);
        Assert.All(setting.Choices, choice =>
        {
            NodeOptions options = _fixture.Load(args: [$"--{path}={choice}"]).Options;

            Assert.Equal(choice, setting.Get(options));
            Assert.NotNull(options.ToStoreOptions());
        });
    }
}

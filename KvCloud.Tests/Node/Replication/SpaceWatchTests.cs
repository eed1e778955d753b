using KvCloud.Consensus;
using KvCloud.Node.Replication;
using KvCloud.Tests.Simulation;

namespace KvCloud.Tests.Node.Replication;

public sealed class SpaceWatchTests
{
    private const string Reserve = "/reserve";

    private static readonly SpaceOptions Options = new() { LowBytes = 1_000, MinBytes = 400, ReserveBytes = 80 };

    private readonly SimDisk _disk = new(new DeterministicRandom(1));
    private readonly SpaceWatch _watch;

    public SpaceWatchTests() => _watch = new SpaceWatch(_disk, "/", Options);

    [Fact]
    public void Look_level_ends_only_with_a_quarter_more_than_its_threshold()
    {
        (long Free, SpaceLevel Level)[] steps =
        [
            (1_000, SpaceLevel.Ample), (999, SpaceLevel.Low), (1_249, SpaceLevel.Low), (1_250, SpaceLevel.Ample),
            (399, SpaceLevel.Exhausted), (499, SpaceLevel.Exhausted), (500, SpaceLevel.Low),
            (399, SpaceLevel.Exhausted), (9_999, SpaceLevel.Ample),
        ];
        foreach ((long free, SpaceLevel level) in steps)
        {
            _disk.FreeBytes = free;
            _watch.Look();
            Assert.Equal((free, level), (_watch.FreeBytes, _watch.Level));
        }
    }

    [Fact]
    public void Look_reserve_is_made_given_up_in_need_and_made_again()
    {
        _watch.Look();
        Assert.Equal(Options.ReserveBytes, _disk.LengthOf(Reserve));

        _disk.FreeBytes = 500;
        _watch.Look();
        Assert.True(_disk.FileExists(Reserve));

        _disk.FreeBytes = 100;
        _watch.Look();
        Assert.False(_disk.FileExists(Reserve));

        _disk.FreeBytes = 5_000;
        _watch.Look();
        Assert.Equal(Options.ReserveBytes, _disk.LengthOf(Reserve));
    }

    [Fact]
    public void Look_reserve_that_cannot_be_written_is_left_out_for_now()
    {
        _disk.FailNext(SimDiskCall.Write);

        _watch.Look();

        Assert.Equal(SpaceLevel.Ample, _watch.Level);
        Assert.False(_disk.FileExists(Reserve));
        for (int i = 0; i <= 60; i++)
        {
            _watch.Look();
        }

        Assert.True(_disk.FileExists(Reserve));
    }

    [Fact]
    public void Look_switched_off_asks_for_nothing()
    {
        _disk.FreeBytes = 0;
        var watch = new SpaceWatch(_disk, "/", SpaceOptions.Off);

        watch.Look();

        Assert.Equal(SpaceLevel.Ample, watch.Level);
        Assert.False(_disk.FileExists(Reserve));
    }
}

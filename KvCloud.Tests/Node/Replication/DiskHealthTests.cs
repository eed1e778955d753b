using KvCloud.Consensus;
using KvCloud.Node.Cluster;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.Transport;
using KvCloud.Tests.Node.Rpc;
using KvCloud.Tests.Simulation;

namespace KvCloud.Tests.Node.Replication;

public sealed class DiskHealthTests : IDisposable
{
    private const int LimitMs = 1_000;

    private static readonly NodeId Self = new(0);

    private readonly ManualClock _clock = new() { NowUs = 50_000_000 };
    private readonly SimDisk _disk = new(new DeterministicRandom(1)) { FreeBytes = 10_000 };
    private readonly MemoryPaxosLog _log = new();
    private readonly LogWriter _writer;
    private readonly SpaceWatch _space;
    private readonly DiskHealth _health;

    public DiskHealthTests()
    {
        _writer = new LogWriter(
            Self,
            _log,
            InMemoryTransport.Alone(new PeerIdentity("test", 0, 1, "", "", new GroupTerms("0", 400, 320))),
            new DriverInbox(100, long.MaxValue, long.MaxValue, 10),
            new ManualRuntime(_clock),
            new SlotTraces(Self, []));
        _space = new SpaceWatch(
            _disk, "/", new SpaceOptions { LowBytes = 1_000, MinBytes = 100, ReserveBytes = 10 });
        _health = new DiskHealth(_space, _writer, LimitMs, _clock);
    }

    public void Dispose() => _log.Dispose();

    [Fact]
    public void Observe_log_write_that_takes_too_long_makes_the_disk_poor_until_it_was_quick_for_a_while()
    {
        Observe(afterMs: 0, isPoor: false);
        BeginWrite();
        Observe(afterMs: LimitMs - 1, isPoor: false);
        Observe(afterMs: 1, isPoor: true);
        Assert.Equal(LimitMs, _health.Figures.LogWriteMs);
        Assert.Contains("log_stall_ms", _health.Figures.Trouble, StringComparison.Ordinal);
        Observe(afterMs: 4_000, isPoor: true);

        EndWrite();
        Assert.Equal(0, _health.Figures.LogWriteMs);
        Observe(afterMs: (5 * LimitMs) - 1, isPoor: true);
        Observe(afterMs: 1, isPoor: false);
        Assert.Null(_health.Figures.Trouble);
    }

    [Fact]
    public void Figures_little_space_makes_the_replica_degraded_and_says_why()
    {
        _disk.FreeBytes = 500;
        _space.Look();

        Observe(afterMs: 0, isPoor: true);
        HealthVerdict verdict = HealthRules.JudgeSelf([], true, 0, 1, false, _health.Figures.Trouble);
        Assert.Equal(NodeHealth.Degraded, verdict.Health);
        Assert.Contains("low_space_mb", verdict.Reason, StringComparison.Ordinal);

        _disk.FreeBytes = 50;
        _space.Look();
        Assert.Contains("min_space_mb", _health.Figures.Trouble, StringComparison.Ordinal);
    }

    private void Observe(int afterMs, bool isPoor)
    {
        _clock.NowUs += afterMs * 1_000L;
        _health.Observe();
        Assert.Equal(isPoor, _health.IsPoor);
    }

    private void BeginWrite()
    {
        var effects = new Effects { Promised = new Ballot(1, Self) };
        _writer.Write(effects);
        Assert.True(_writer.TryBegin(RunReason.Woken));
    }

    private void EndWrite()
    {
        _writer.Execute();
        _writer.Complete();
    }
}

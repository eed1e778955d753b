using System.Globalization;
using KvCloud.Node.Replication;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Node.Replication;

public sealed class ReplicaClockTests
{
    [UnixFact]
    public void GetTimestamp_counts_from_boot_with_suspension_as_the_kernel_does()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        double before = UptimeSeconds();
        double clock = ReplicaClock.GetTimestamp() / 1e9;
        double after = UptimeSeconds();

        // /proc/uptime has hundredths of a second.
        Assert.InRange(clock, before - 0.02, after + 0.02);
    }

    [Fact]
    public async Task NowTick_goes_on_by_ticks_of_ten_milliseconds()
    {
        var clock = new ReplicaClock(TimeProvider.System);
        long before = Environment.TickCount64;
        await Task.Delay(200);
        long ticks = clock.NowTick;
        long passedMs = Environment.TickCount64 - before;

        Assert.InRange(ticks * ReplicaClock.TickMs, 180, passedMs + 30);
        Assert.InRange(ReplicaClock.GetTimestamp(), clock.TimestampOf(ticks), clock.TimestampOf(ticks + 100));
    }

    private static double UptimeSeconds() =>
        double.Parse(File.ReadAllText("/proc/uptime").Split(' ')[0], CultureInfo.InvariantCulture);
}

using System.Diagnostics;
using KvCloud.Node.Rpc.Flows;

namespace KvCloud.Tests.Node.Rpc.Flows;

public sealed class CpuLoadTests
{
    [Fact]
    public void IsBusy_cores_that_are_all_at_work_are_busy()
    {
        var load = new CpuLoad();
        var until = Stopwatch.StartNew();
        Parallel.For(0, Environment.ProcessorCount * 2, _ =>
        {
            while (until.ElapsedMilliseconds < 500)
            {
                Thread.SpinWait(1_000);
            }
        });

        Assert.True(load.IsBusy());
    }

    /// <summary>A file that a container hides or fills with something else must not end the node.</summary>
    [Theory]
    [InlineData("cpu  10 20 30 400 50 6 7 8 9 10", 450, 531)]
    [InlineData("cpu 10 20 30 400 50 6 7 8", 450, 531)]
    [InlineData("cpu0 10 20 30 400 50 6 7 8", 0, 0)]
    [InlineData("cpu 10 20 30 400 50 6 7", 0, 0)]
    [InlineData("cpu 10 20 30 -400 50 6 7 8", 0, 0)]
    [InlineData("cpu 10 20 30 idle 50 6 7 8", 0, 0)]
    [InlineData("", 0, 0)]
    [InlineData(null, 0, 0)]
    public void Parse_tells_idle_and_all_ticks_or_nothing(string? line, long idle, long total) =>
        Assert.Equal((idle, total), CpuLoad.Parse(line));
}

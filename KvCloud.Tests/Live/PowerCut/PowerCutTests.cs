using Xunit.Abstractions;

namespace KvCloud.Tests.Live.PowerCut;

/// <summary>
/// All replicas lose their power under load, and their disks what was not synced. eng/power-cut does it any number of
/// times.
/// </summary>
[Collection(LiveCollection.Name)]
public sealed class PowerCutTests(ITestOutputHelper output)
{
    [PowerCutFact]
    public async Task PowerCutRun_of_all_replicas_under_load_loses_nothing()
    {
        int seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var options = new PowerCutOptions { Cuts = 4, Seed = seed, Tell = output.WriteLine };
        PowerCutReport report = await new PowerCutRun(options).RunAsync();

        output.WriteLine(report.ToString());
        Assert.Empty(report.Findings);
        Assert.Equal(0, report.Lost);
        Assert.True(report.Acknowledged > 100, $"only {report.Acknowledged} writes were acknowledged");
        Assert.True(report.Loss.Sectors > 0, "all was synced at every cut, so nothing was tested");
    }

    [PowerCutFact]
    public async Task PowerCutRun_pretended_syncs_are_found_as_lost_writes()
    {
        var options = new PowerCutOptions { Cuts = 1, IsSabotaged = true, Tell = output.WriteLine };
        PowerCutReport report = await new PowerCutRun(options).RunAsync();

        output.WriteLine(report.ToString());
        Assert.True(report.Lost > 0, "writes that no disk had were not missed");
    }
}

using KvCloud.Tests.Support;
using Xunit.Abstractions;

namespace KvCloud.Tests.Live.Lifecycle;

/// <summary>A short run; eng/lifecycle makes longer ones.</summary>
[Collection(LiveCollection.Name)]
public sealed class LifecycleTests(ITestOutputHelper output)
{
    [UnixFact]
    public async Task LifecycleRun_of_three_replicas_loses_nothing_whatever_comes()
    {
        LifecycleReport report = await new LifecycleRun(new LifecycleOptions
        {
            Sizes = (3, 5, 3),
            Rest = TimeSpan.FromMilliseconds(500),
            Load = new KeptLoadOptions { Writers = 8, Readers = 4, Pace = TimeSpan.FromMilliseconds(20) },
            Tell = output.WriteLine,
        }).RunAsync();

        Assert.Empty(report.Findings);
        Assert.Equal(0, report.Lost);
        Assert.Equal(0, report.Steps.Sum(step => step.Writes.Unknown));
        Assert.Contains("roll all 3", report.Steps.Select(step => step.Name));
        Assert.All(report.Steps, step => Assert.True(step.Writes.Count > 0, $"no write in '{step.Name}'"));
    }
}

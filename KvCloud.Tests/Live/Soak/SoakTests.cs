using Xunit.Abstractions;

namespace KvCloud.Tests.Live.Soak;

/// <summary>A short soak; eng/soak runs long ones.</summary>
[Collection(LiveCollection.Name)]
public sealed class SoakTests(ITestOutputHelper output)
{
    [Fact]
    public async Task SoakRun_of_half_a_minute_loses_nothing_and_leaves_samples_and_a_picture()
    {
        string directory = Directory.CreateTempSubdirectory("kvcloud-soak-test-").FullName;
        try
        {
            SoakReport report = await new SoakRun(new SoakOptions
            {
                Time = TimeSpan.FromSeconds(30),
                WarmUp = TimeSpan.Zero,
                SampleEvery = TimeSpan.FromSeconds(1),
                LongestRest = TimeSpan.FromSeconds(2),
                Absence = TimeSpan.FromSeconds(3),
                ReplaceEvery = TimeSpan.FromSeconds(12),
                OutputDirectory = directory,
                Tell = output.WriteLine,
            }).RunAsync();

            // Half a minute is no time to speak of growth, so of that it only has to say something.
            Assert.Empty(report.Findings);
            Assert.Equal(0, report.Lost);
            Assert.True(report.Acknowledged > 100, $"only {report.Acknowledged} writes");
            Assert.Contains("replace", report.Faults.Keys);
            Assert.Equal(SoakMeasure.All.Count, report.Trends.Count);
            Assert.True(File.ReadAllLines(Path.Combine(directory, "nodes.csv")).Length > 50);
            Assert.True(new FileInfo(Path.Combine(directory, "soak.png")).Length > 10_000);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}

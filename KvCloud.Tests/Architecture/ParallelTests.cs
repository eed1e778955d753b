using System.Text.RegularExpressions;
using KvCloud.Tests.Live;
using KvCloud.Tests.Packaging;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Architecture;

/// <summary>
/// The simulator takes every core. A test that waits for processes of its own must not run beside it: it would measure
/// the simulator.
/// </summary>
public sealed partial class ParallelTests
{
    [Fact]
    public void Source_that_starts_replicas_or_builds_is_of_a_collection_that_runs_alone()
    {
        string[] beside =
        [
            .. Directory.EnumerateFiles(Repository.File("KvCloud.Tests"), "*Tests.cs", SearchOption.AllDirectories)
                .Where(file => Path.GetFileName(file) != $"{nameof(ParallelTests)}.cs")
                .Where(file => StartsProcesses().IsMatch(File.ReadAllText(file)))
                .Where(file => !RunsAlone().IsMatch(File.ReadAllText(file)))
                .Select(file => Path.GetFileName(file)),
        ];

        Assert.Empty(beside);
    }

    [Theory]
    [InlineData(typeof(LiveCollection))]
    [InlineData(typeof(PackagesCollection))]
    public void Source_of_a_collection_disables_its_parallelization(Type collection)
    {
        var definition = (CollectionDefinitionAttribute)Attribute.GetCustomAttribute(
            collection, typeof(CollectionDefinitionAttribute))!;

        Assert.True(definition.DisableParallelization);
    }

    [GeneratedRegex(
        @"\b(LiveCluster|GrowingCluster)\.StartAsync"
        + @"|new (ProcessCluster|NodeProcess|PowerCutCluster|PowerCutRun|SoakRun|LifecycleRun)\("
        + @"|NodeProgram\.StartInfo|DotNet\.Command|DistributedApplicationTestingBuilder")]
    private static partial Regex StartsProcesses();

    [GeneratedRegex(@"\[Collection\((LiveCollection|PackagesCollection)\.Name\)\]")]
    private static partial Regex RunsAlone();
}

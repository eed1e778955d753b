using System.Text.RegularExpressions;
using System.Xml.Linq;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Architecture;

/// <summary>Who may know whom, as docs/architecture.md has it.</summary>
public sealed partial class DependencyTests
{
    [Theory]
    [InlineData("Consensus", "")]
    [InlineData("Protocol", "")]
    [InlineData("ServiceDefaults", "")]
    [InlineData("Client", "Protocol")]
    [InlineData("LocalCluster", "Console Node")]
    [InlineData("Aspire.Hosting", "")]
    [InlineData("AppHost", "Aspire.Hosting Certificates Console Node")]
    [InlineData("Backup", "")]
    [InlineData("Certificates", "")]
    [InlineData("Monitoring", "Client")]
    [InlineData("Cli", "Backup Certificates Client LocalCluster Monitoring")]
    [InlineData("Console", "Backup Client Monitoring ServiceDefaults")]
    [InlineData("Node", "Consensus Protocol ServiceDefaults")]
    [InlineData("Bench", "LocalCluster Certificates Client Node")]
    public void Project_of_the_solution_references_only_what_it_may(string project, string allowed)
    {
        IEnumerable<string> references = Items(project, "ProjectReference")
            .Select(path => Path.GetFileNameWithoutExtension(path.Replace('\\', '/')).Replace("KvCloud.", ""));

        Assert.Empty(references.Except(allowed.Split(' ')));
    }

    [Fact]
    public void Project_of_the_local_cluster_starts_programs_and_knows_nothing_of_their_code() =>
        Assert.All(
            XDocument.Load(Repository.File("KvCloud.LocalCluster", "KvCloud.LocalCluster.csproj"))
                .Descendants("ProjectReference"),
            reference => Assert.Equal("false", (string?)reference.Attribute("ReferenceOutputAssembly")));

    [Fact]
    public void Project_of_certificates_depends_on_no_package() =>
        Assert.Empty(Items("Certificates", "PackageReference"));

    [Fact]
    public void Project_of_consensus_depends_on_no_package_but_its_analyzer()
    {
        Assert.Equal(["Microsoft.CodeAnalysis.BannedApiAnalyzers"], Items("Consensus", "PackageReference"));
    }

    /// <summary>
    /// What decides runs in the simulator, so it is given its threads, clocks, files and chance (adr/0009).
    /// </summary>
    [Theory]
    [InlineData(
        "Replication",
        "Replication/ReplicaClock.cs Replication/Workers/ThreadRuntime.cs Replication/Workers/WorkerThread.cs"
        + " Replication/SlotTraces.cs Replication/Log/SegmentedLogOptions.cs")]
    [InlineData("Routing", "")]
    [InlineData("State", "")]
    [InlineData("Operations", "")]
    [InlineData("Transport/InboundSession.cs", "")]
    [InlineData("Transport/InboundConnections.cs", "")]
    [InlineData("Transport/OutboundSession.cs", "")]
    [InlineData("Transport/OutgoingBuffer.cs", "")]
    [InlineData("Transport/ReconnectBackoff.cs", "")]
    [InlineData("Transport/Handshake.cs", "")]
    [InlineData("Transport/PeerGate.cs", "")]
    [InlineData("Transport/IncarnationFile.cs", "")]
    [InlineData("Transport/ConsensusCodec.cs", "")]
    public void Folder_of_what_decides_has_no_thread_clock_file_or_chance_of_its_own(string folder, string except)
    {
        string path = Repository.File("KvCloud.Node", folder);
        string[] files = Directory.Exists(path)
            ? Directory.GetFiles(path, "*.cs", SearchOption.AllDirectories)
            : [path];
        string[] excepted = [.. except.Split(' ').Select(file => Repository.File("KvCloud.Node", file))];

        Assert.Empty(files.Except(excepted).SelectMany(
            file => File.ReadLines(file)
                .Where(line => !line.TrimStart().StartsWith("//", StringComparison.Ordinal))
                .SelectMany(line => OfTheMachine().Matches(line))
                .Select(match => $"{file}: {match.Value}")));
    }

    [GeneratedRegex(
        @"new Thread\(|Thread\.Sleep|\bTimer\b|Task\.(Run|Delay)|ThreadPool|DateTime(Offset)?\.(Utc)?Now"
        + @"|Environment\.Tick"
        + @"|\bStopwatch\b|TimeProvider|(?<![\w.])File\.|(?<![\w.])Directory\.(?!Dispose|Identity)\w+\("
        + @"|Random\.Shared|new Random\("
        + @"|RandomNumberGenerator|Guid\.NewGuid|\bSocket\b|FileStream|RandomAccess")]
    private static partial Regex OfTheMachine();

    private static string[] Items(string project, string kind) =>
    [
        .. XDocument.Load(Repository.File($"KvCloud.{project}", $"KvCloud.{project}.csproj"))
            .Descendants(kind)
            .Select(item => (string)item.Attribute("Include")!),
    ];
}

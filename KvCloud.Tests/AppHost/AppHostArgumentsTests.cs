using KvCloud.AppHost;

namespace KvCloud.Tests.AppHost;

public sealed class AppHostArgumentsTests
{
    private static readonly string DataRoot = Path.GetFullPath("/data");

    [Fact]
    public void Parse_nothing_defaults()
    {
        AppHostArguments arguments = AppHostArguments.Parse([], DataRoot);

        Assert.Equal(3, arguments.Topology.Replicas.Length);
        Assert.Equal(DataRoot, arguments.Topology.DataRoot);
        Assert.Equal("kvcloud", arguments.Topology.ClusterId);
        Assert.Equal("Development", arguments.Topology.Environment);
        Assert.True(arguments.RestartCrashed);
        Assert.Null(arguments.NodeAssembly);
        Assert.False(arguments.Help);
    }

    [Fact]
    public void Parse_everyOption_taken()
    {
        AppHostArguments arguments = AppHostArguments.Parse(
            [
                "--replicas", "5", "--base-port=7000", "--peer-port", "7500", "--http-port", "7800",
                "--data", "/elsewhere", "--cluster-id", "blue", "--environment", "Production",
                "--target", "kubernetes", "--node", "x.dll", "--no-restart",
            ],
            DataRoot);

        Assert.Equal(new Replica(4, 7004, 7504, 7804), arguments.Topology.Replicas[4]);
        Assert.Equal(Path.GetFullPath("/elsewhere"), arguments.Topology.DataRoot);
        Assert.Equal("blue", arguments.Topology.ClusterId);
        Assert.Equal("Production", arguments.Topology.Environment);
        Assert.Equal(PublishTarget.Kubernetes, arguments.Target);
        Assert.Equal("x.dll", arguments.NodeAssembly);
        Assert.False(arguments.RestartCrashed);
    }

    [Theory]
    [InlineData("--replicas x", "--replicas x: a whole number is needed.")]
    [InlineData("--replicas -3", "--replicas -3: a whole number is needed.")]
    [InlineData("--replicas", "--replicas needs a value.")]
    [InlineData("--data --replicas 3", "--data needs a value.")]
    [InlineData("--data=", "--data needs a value.")]
    [InlineData("--target azure", "--target azure: the target must be docker-compose or kubernetes.")]
    [InlineData("--frob", "Unknown option '--frob'; --help lists those there are.")]
    [InlineData("replicas", "Unknown option 'replicas'; --help lists those there are.")]
    public void Parse_mistake_oneSentenceThatNamesIt(string line, string sentence)
    {
        var e = Assert.Throws<TopologyException>(() => AppHostArguments.Parse(line.Split(' '), DataRoot));
        Assert.Equal(sentence, e.Message);
    }

    [Fact]
    public void Parse_optionsOfAspire_leftToIt()
    {
        AppHostArguments arguments = AppHostArguments.Parse(
            ["--operation", "publish", "--step", "publish", "--output-path", "out", "--replicas", "1"],
            DataRoot,
            ignoreUnknown: true);

        Assert.Single(arguments.Topology.Replicas);
    }
}

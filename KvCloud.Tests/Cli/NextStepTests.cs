using KvCloud.Protocol;
using KvCloud.Tests.Client;

namespace KvCloud.Tests.Cli;

public sealed class NextStepTests
{
    [Theory]
    [InlineData(ErrorCode.UNAUTHENTICATED, "log in: --user NAME")]
    [InlineData(ErrorCode.PERMISSION_DENIED, "kv user grant")]
    [InlineData(ErrorCode.COLUMN_FAMILY_NOT_FOUND, "kv cf list")]
    [InlineData(ErrorCode.VERSION_TOO_OLD, "retention_seconds")]
    [InlineData(ErrorCode.NO_SPACE, "kv doctor")]
    public async Task Of_a_refusal_is_printed_below_its_message(ErrorCode code, string expected)
    {
        await using var cluster = new ScriptedCluster(1);
        cluster.Nodes[0].Script = _ => new ValueTask<ScriptedAct?>(new ScriptedAct { Refuse = code });

        KvRun run = await KvRun.Async("get", "a", "--timeout", "300ms", "--endpoints", cluster.Endpoints);

        Assert.Contains("\nWhat to do: ", run.Error, StringComparison.Ordinal);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_a_cluster_that_is_not_there_says_how_to_name_one()
    {
        KvRun run = await KvRun.Async("get", "a", "--timeout", "300ms", "--endpoints", "127.0.0.1:1");

        Assert.Equal(3, run.Code);
        Assert.Contains("kv config add", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_a_command_line_that_is_wrong_names_the_commands_own_help()
    {
        KvRun run = await KvRun.Async("member", "promote", "x");

        Assert.Equal(2, run.Code);
        Assert.Contains("Try 'kv member promote --help'.", run.Error, StringComparison.Ordinal);
    }
}

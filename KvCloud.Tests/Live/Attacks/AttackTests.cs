using KvCloud.Tests.Support;

namespace KvCloud.Tests.Live.Attacks;

/// <summary>Each kind of attack for a moment: eng/attacks takes more time, and measures.</summary>
[Collection(LiveCollection.Name)]
public sealed class AttackTests
{
    [Fact]
    public async Task ForgedPeer_in_the_leaders_name_is_heard_by_nobody_where_replicas_have_certificates()
    {
        (bool isServed, string what) = await ForgedPeer.RunAsync(isSecured: true);

        Assert.False(isServed, what);
    }

    [UnixTheory]
    [InlineData("connections that send nothing")]
    [InlineData("claim")]
    [InlineData("deep")]
    [InlineData("garbage")]
    public async Task AttackRun_leaves_no_process_dead_no_write_lost_and_hardly_a_line_in_the_log(string kind)
    {
        var run = new AttackRun(new AttackOptions
        {
            Attacks = [.. AttackList.All.Where(attack => attack.Name.Contains(kind, StringComparison.Ordinal))],
            Duration = TimeSpan.FromSeconds(1.5),
        });

        await run.RunAsync();

        Assert.NotEmpty(run.Rows);
        Assert.Empty(run.Findings);
        Assert.All(run.Rows, row => Assert.InRange(row.LogLines, 0, 200));
    }
}

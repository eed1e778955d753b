using System.Text;
using KvCloud.Node.History;
using KvCloud.Node.Rpc;
using KvCloud.Protocol;
using Thrift.Protocol;

namespace KvCloud.Tests.Node.Rpc;

/// <summary>Real calls to a real replica; only its disk, which is slow at will, is the test's.</summary>
public sealed class CallHistoryTests
{
    private const int SlowMs = 40;

    [Fact]
    public async Task Note_of_a_write_that_a_slow_disk_holds_up_remembers_it_with_its_key_and_no_value()
    {
        await using ServiceHost host = await ServiceHost.StartAsync(options: new RpcOptions { SlowCallMs = SlowMs });
        TransactionalKV.Client client = host.Client();
        Assert.True((await client.setKey(new SetRequest(Bytes("quick"), Bytes("value")))).Success);
        SlowCalls slow = host.Servers[0].Slow;
        long before = slow.Read(after: null, limit: 1).Next;

        host.Logs[0].Writing = _ => Thread.Sleep(2 * SlowMs);
        Assert.True((await client.setKey(new SetRequest(Bytes("slow"), Bytes("secret")))).Success);
        await client.atomicCommit(new AtomicCommitRequest(
            0, [Set("first"), Set("second")], []));
        host.Logs[0].Writing = null;

        SlowCall[] calls = [.. slow.Read(before, limit: 10).Items];
        Assert.Equal(["setKey", "atomicCommit"], calls.Select(call => call.Method));
        Assert.Equal("OK", calls[0].Code);
        Assert.Equal((1, "slow"), (calls[0].Keys, Text(calls[0].FirstKey)));
        Assert.Equal((2, "first"), (calls[1].Keys, Text(calls[1].FirstKey)));
        Assert.InRange(calls[0].Duration.TotalMilliseconds, SlowMs, 60_000);
        Assert.StartsWith("127.0.0.1:", calls[0].Remote, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Note_with_the_threshold_zero_remembers_no_slow_call()
    {
        await using ServiceHost host = await ServiceHost.StartAsync(options: new RpcOptions { SlowCallMs = 0 });
        host.Logs[0].Writing = _ => Thread.Sleep(2 * SlowMs);

        Assert.True((await host.Client().setKey(new SetRequest(Bytes("slow"), Bytes("value")))).Success);

        Assert.Empty(host.Servers[0].Slow.Read(after: 0, limit: 10).Items);
    }

    [Fact]
    public async Task Note_of_many_calls_estimates_how_often_each_key_was_read_and_written()
    {
        const int Calls = 4_000;
        await using ServiceHost host = await ServiceHost.StartAsync();
        TransactionalKV.Client client = host.Client();
        for (int call = 0; call < Calls; call++)
        {
            await client.setKey(new SetRequest(Bytes("written"), Bytes("value")));
            await client.@get(new GetRequest(Bytes("read")));
            await client.snapshotGetRange(new SnapshotGetRangeRequest
            {
                ReadVersion = 1,
                BeginKey = Bytes("range"),
                EndKey = Bytes("s"),
                Limit = 1,
            });
        }

        var report = HeatReport.Of(host.Servers[0].Heat.Windows(), maxRanges: 10);

        var keys = report.HotKeys.ToDictionary(key => Text(key.FirstKey));
        Assert.Equal(["range", "read", "written"], keys.Keys.Order(StringComparer.Ordinal));
        AssertAbout(Calls, keys["written"].Writes.Sum());
        AssertAbout(Calls, keys["read"].Reads.Sum());
        Assert.Equal(0, keys["read"].Writes.Sum() + keys["written"].Reads.Sum());
    }

    /// <summary>About sixty samples stand for them, so half of it is four standard deviations away.</summary>
    private static void AssertAbout(long expected, long counted) =>
        Assert.InRange(counted, expected / 2, expected * 2);

    private static Operation Set(string key) => new("set", Bytes(key)) { Value = Bytes("secret") };

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(byte[]? bytes) => Encoding.UTF8.GetString(bytes!);
}

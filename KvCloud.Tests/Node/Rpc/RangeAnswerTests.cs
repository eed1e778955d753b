using KvCloud.Node.Rpc;
using KvCloud.Protocol;

namespace KvCloud.Tests.Node.Rpc;

/// <summary>How much a range answer holds, and what it may cost, as clients of the contract see it.</summary>
public sealed class RangeAnswerTests
{
    [Fact]
    public async Task GetRange_without_limit_bytes_has_all_rows_up_to_limit()
    {
        await using ServiceHost host = await ServiceHost.StartAsync();
        TransactionalKV.Client client = host.Client();
        await FillAsync(client, keys: 1_200, valueBytes: 4_000);

        GetRangeResponse whole = await client.getRange(new GetRangeRequest());
        GetRangeResponse all = await client.getRange(new GetRangeRequest { Limit = 0 });
        long version = (await client.getReadVersion(new GetReadVersionRequest())).ReadVersion;
        SnapshotGetRangeResponse snapshot = await client.snapshotGetRange(
            new SnapshotGetRangeRequest(version) { Limit = 0 });
        GetRangeResponse asked = await client.getRange(new GetRangeRequest { Limit = 0, LimitBytes = 1 << 20 });
        GetRangeResponse byDefault = await client.getRange(new GetRangeRequest { Limit = 0, LimitBytes = 0 });

        Assert.Equal((1_000, true), (whole.KeyValues!.Count, whole.HasMore));
        Assert.Equal((1_200, false), (all.KeyValues!.Count, all.HasMore));
        Assert.Equal((1_200, false), (snapshot.KeyValues!.Count, snapshot.HasMore));
        Assert.Equal((259, true), (asked.KeyValues!.Count, asked.HasMore));
        Assert.Equal((259, true), (byDefault.KeyValues!.Count, byDefault.HasMore));
        await ConnectionTests.Eventually(() => host.Servers[0].Budget.AnswerBytes == 0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task GetRange_without_limit_bytes_stays_within_what_a_clients_frame_may_hold(bool isFramed)
    {
        await using ServiceHost host = await ServiceHost.StartAsync();
        TransactionalKV.Client client = host.Client(isFramed: isFramed);
        await FillAsync(client, keys: 20, valueBytes: 1 << 20, keysPerCommit: 5);

        GetRangeResponse answer = await client.getRange(new GetRangeRequest { Limit = 0 });

        Assert.Equal((14, true), (answer.KeyValues!.Count, answer.HasMore));
        Assert.Equal("key-00000013"u8.ToArray(), answer.KeyValues![^1].Key);
    }

    [Fact]
    public async Task GetRange_that_takes_longer_than_its_deadline_says_so()
    {
        await using ServiceHost host = await ServiceHost.StartAsync();
        TransactionalKV.Client client = host.Client();
        await FillAsync(client, keys: 40_000, valueBytes: 1);

        GetRangeResponse late = await client.getRange(new GetRangeRequest { BeginOffset = 39_999, TimeoutMs = 1 });
        GetRangeResponse inTime = await client.getRange(new GetRangeRequest { BeginOffset = 39_999 });

        Assert.Equal((false, ErrorCode.TIMEOUT), (late.Success, late.Code));
        Assert.Equal("key-00039999"u8.ToArray(), Assert.Single(inTime.KeyValues!).Key);
    }

    [Fact]
    public async Task GetRange_answer_for_which_there_is_no_room_is_overloaded_and_names_the_limit()
    {
        await using ServiceHost host = await ServiceHost.StartAsync(
            options: new RpcOptions { Limits = new RpcLimits { MaxScanAnswerBytes = 1_000_000 } });
        TransactionalKV.Client client = host.Client();
        await FillAsync(client, keys: 500, valueBytes: 4_000);

        GetRangeResponse tooMuch = await client.getRange(new GetRangeRequest());
        GetRangeResponse little = await client.getRange(new GetRangeRequest { LimitBytes = 500_000 });

        Assert.Equal((false, ErrorCode.OVERLOADED), (tooMuch.Success, tooMuch.Code));
        Assert.Contains("max_scan_answer_bytes", tooMuch.Error, StringComparison.Ordinal);
        Assert.True(little.Success, little.Error);
        await ConnectionTests.Eventually(() => host.Servers[0].Budget.AnswerBytes == 0);
    }

    private static async Task FillAsync(
        TransactionalKV.Client client, int keys, int valueBytes, int keysPerCommit = 1_000)
    {
        byte[] value = new byte[valueBytes];
        for (int first = 0; first < keys; first += keysPerCommit)
        {
            IEnumerable<Operation> operations = Enumerable.Range(first, Math.Min(keysPerCommit, keys - first))
                .Select(i => new Operation("set", System.Text.Encoding.UTF8.GetBytes($"key-{i:D8}")) { Value = value });
            AtomicCommitResponse answer = await client.atomicCommit(new AtomicCommitRequest(0, [.. operations], []));
            Assert.True(answer.Success, answer.Error);
        }
    }
}

using System.Text;
using Etcdserverpb;
using KvCloud.Bench.Clusters;
using KvCloud.Bench.Load;
using KvCloud.Bench.Wire;
using KvCloud.Protocol.Wire;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Bench;

public sealed class EtcdProtocolTests
{
    private const int PrefaceBytes = 24;
    private const int GrpcPrefixBytes = 5;
    private static readonly byte[] SomeKey = Encoding.ASCII.GetBytes("k000000000000042");

    [Fact]
    public void Write_of_messages_is_read_by_the_generated_classes()
    {
        byte[] value = new byte[300];
        PutRequest put = PutRequest.Parser.ParseFrom(Message(
            new WireCall { Kind = CallKind.Set, Keys = SomeKey, KeySizeBytes = 16, Value = value }));
        Assert.Equal(SomeKey, put.Key.ToByteArray());
        Assert.Equal(value, put.Value.ToByteArray());

        RangeRequest range = RangeRequest.Parser.ParseFrom(Message(
            new WireCall { Kind = CallKind.Range, Keys = SomeKey, KeySizeBytes = 16, EndKey = "l"u8, Limit = 500 }));
        Assert.Equal("l", range.RangeEnd.ToStringUtf8());
        Assert.Equal(500, range.Limit);
        Assert.True(range.Serializable);

        Assert.False(RangeRequest.Parser.ParseFrom(Message(
            new WireCall { Kind = CallKind.GetLeader, Keys = SomeKey, KeySizeBytes = 16 })).Serializable);

        TxnRequest transaction = TxnRequest.Parser.ParseFrom(Message(
            new WireCall
            {
                Kind = CallKind.Commit,
                Keys = (byte[])[.. SomeKey, .. SomeKey],
                KeySizeBytes = 16,
                Value = value
            }));
        Assert.Equal(2, transaction.Success.Count);
        Assert.Equal(value, transaction.Success[1].RequestPut.Value.ToByteArray());
    }

    [Fact]
    public void Encode_of_headers_uses_the_table_from_the_second_call_on()
    {
        var headers = new RequestHeaders("a:1");
        byte[] put = EtcdMessages.MethodOf(CallKind.Set);
        byte[] range = EtcdMessages.MethodOf(CallKind.GetLocal);

        // RFC 7541: 44 is :path with indexing, 41 :authority, 5f content-type, 40 a new name.
        byte[] first = headers.Encode(put).ToArray();
        Assert.Equal([0x83, 0x86, 0x44, 20], first[..4]);
        Assert.Equal("/etcdserverpb.KV/Put", Encoding.ASCII.GetString(first, 4, 20));
        Assert.Equal([0x41, 3, (byte)'a', (byte)':', (byte)'1', 0x5f, 16], first[24..31]);

        // Newest first: te 62, content-type 63, authority 64, path 65.
        Assert.Equal([0x83, 0x86, 0xc1, 0xc0, 0xbf, 0xbe], headers.Encode(put).ToArray());
        Assert.Equal(0x44, headers.Encode(range)[2]);
        Assert.Equal([0x83, 0x86, 0xbe, 0xc1, 0xc0, 0xbf], headers.Encode(range).ToArray());
        Assert.Equal([0x83, 0x86, 0xc2, 0xc1, 0xc0, 0xbf], headers.Encode(put).ToArray());
    }

    [Fact]
    public void Write_of_more_than_the_window_waits_for_the_window()
    {
        var protocol = new EtcdProtocol("a:1");
        var output = new WireBuffer();
        protocol.Write(
            new WireCall { Kind = CallKind.Set, Keys = SomeKey, KeySizeBytes = 16, Value = new byte[100_000] }, 0,
            output);
        Assert.Equal(65_535, DataBytes(output));

        // A window for the stream alone is not enough, then one for the connection lets the rest go.
        var answers = new List<WireAnswer>();
        protocol.Read(Frame(8, 0, 1, [0, 1, 0, 0]), answers, output);
        Assert.Equal(65_535, DataBytes(output));
        protocol.Read(Frame(8, 0, 0, [0, 1, 0, 0]), answers, output);
        Assert.InRange(DataBytes(output), 100_016, 100_100);
        Assert.Empty(answers);
    }

    [Fact]
    public void Read_of_an_answer_without_a_message_is_a_failure()
    {
        var protocol = new EtcdProtocol("a:1");
        var output = new WireBuffer();
        protocol.Write(new WireCall { Kind = CallKind.Set, Keys = SomeKey, KeySizeBytes = 16 }, 3, output);
        protocol.Write(new WireCall { Kind = CallKind.GetLocal, Keys = SomeKey, KeySizeBytes = 16 }, 4, output);
        var answers = new List<WireAnswer>();
        protocol.Read(Frame(1, 0x5, 1, [0x88]), answers, output);
        protocol.Read(Frame(1, 0x4, 3, [0x88]), answers, output);
        protocol.Read(Frame(0, 0, 3, [0, 0, 0, 0, 2, 0x0A, 0]), answers, output);
        protocol.Read(Frame(1, 0x5, 3, [0x88]), answers, output);

        Assert.Equal([(3, CallStatus.Refused), (4, CallStatus.NotFound)], answers.Select(a => (a.Token, a.Status)));
    }

    [Fact]
    public void Read_of_settings_and_pings_answers_them()
    {
        var protocol = new EtcdProtocol("a:1");
        var output = new WireBuffer();
        protocol.Read(Frame(4, 0, 0, []), [], output);
        protocol.Read(Frame(6, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]), [], output);

        byte[] expected = [0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 0, 8, 6, 1, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
        Assert.Equal(expected, output.Unread.ToArray());
    }

    [Fact]
    public void Open_of_a_connection_says_the_preface()
    {
        var output = new WireBuffer();
        new EtcdProtocol("a:1").Open(output);
        Assert.StartsWith(
            "PRI * HTTP/2.0", Encoding.ASCII.GetString(output.Unread[..PrefaceBytes]), StringComparison.Ordinal);
    }

    [FactNeeds("etcd")]
    public async Task RunAsync_against_a_real_etcd_has_no_error()
    {
        await using var cluster = new EtcdCluster(Path.GetTempPath(), 1);
        await cluster.StartAsync(CancellationToken.None);
        var options = new LoadOptions
        {
            Driver = DriverKind.Etcd,
            Endpoints = cluster.Endpoints,
            ServerPids = [cluster.Members[0].Pid],
            Mix = OperationMix.Parse("set,get_local,get_leader,get_read_index,range,commit,rmw"),
            Keys = 500,
            Preload = 500,
            ValueSizeBytes = 20_000,
            Connections = 3,
            InFlight = 5,
            Warmup = TimeSpan.FromSeconds(0.2),
            Duration = TimeSpan.FromSeconds(1.5),
        };
        LoadResult closed = await RunUntilAnsweredAsync(options);
        Assert.DoesNotContain("NotFound", closed.Statuses.Keys);
        Assert.True(closed.ServerMemoryMb > 1);

        // A read may choose a key whose insert is still on its way, so these runs may find nothing now and then.
        options = options with { Mix = OperationMix.Parse("set,insert,get_local,range,commit"), Preload = 0 };
        LoadResult open = await LoadGenerator.RunAsync(
            options with { RatePerSecond = 20, ValueSizeBytes = 10 }, TextWriter.Null, CancellationToken.None);
        Assert.Equal(0, open.Errors);
        Assert.InRange(open.Latency.Count, 29, 31);

        await RunUntilAnsweredAsync(options with { Driver = DriverKind.EtcdGrpc });
    }

    /// <summary>On a machine that is busy with other tests a short window may end before the first answer.</summary>
    private static async Task<LoadResult> RunUntilAnsweredAsync(LoadOptions options)
    {
        for (int attempt = 1; ; attempt++)
        {
            LoadResult result = await LoadGenerator.RunAsync(options, TextWriter.Null, CancellationToken.None);
            Assert.Equal(0, result.Errors);
            if (result.Throughput > 0)
            {
                return result;
            }

            Assert.True(attempt < 20, "no answer in twenty runs");
        }
    }

    private static byte[] Message(in WireCall call)
    {
        var output = new WireBuffer();
        EtcdMessages.Write(call, output);
        return output.Unread[GrpcPrefixBytes..].ToArray();
    }

    private static WireBuffer Frame(byte type, byte flags, byte stream, byte[] payload)
    {
        var frame = new WireBuffer();
        frame.Write([0, 0, (byte)payload.Length, type, flags, 0, 0, 0, stream, .. payload]);
        return frame;
    }

    private static int DataBytes(WireBuffer output)
    {
        int total = 0;
        for (ReadOnlySpan<byte> rest = output.Unread; rest.Length > 0;)
        {
            int length = (rest[0] << 16) | (rest[1] << 8) | rest[2];
            total += rest[3] == 0 ? length : 0;
            rest = rest[(9 + length)..];
        }

        return total;
    }
}

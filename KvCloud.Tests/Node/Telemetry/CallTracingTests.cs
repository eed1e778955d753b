using System.Diagnostics;
using KvCloud.Node.Operations;
using KvCloud.Node.Rpc;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Methods;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Node.Telemetry;
using KvCloud.Protocol;
using KvCloud.Tests.Node.Rpc;
using Microsoft.Extensions.Time.Testing;
using Thrift.Protocol;

namespace KvCloud.Tests.Node.Telemetry;

[Collection(TracingCollection.Name)]
public sealed class CallTracingTests
{
    private const string Context = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    private readonly FakeTimeProvider _time = new();
    private readonly AnyMethod _method = new();

    /// <summary>Requests that are read by hand and by generated code, with and without lists before.</summary>
    public static TheoryData<string, TBase> Requests => new()
    {
        { "get", new GetRequest([1]) { ColumnFamily = "cf", TimeoutMs = 5, Traceparent = Context } },
        { "setKey", new SetRequest([1], [2]) { ClientId = 1, Sequence = 2, Traceparent = Context } },
        { "deleteKey", new DeleteRequest([1]) { Traceparent = Context } },
        { "getReadVersion", new GetReadVersionRequest { Traceparent = Context } },
        { "getRange", new GetRangeRequest { BeginKey = [1], Traceparent = Context } },
        { "ping", new PingRequest { Traceparent = Context } },
        {
            "atomicCommit",
            new AtomicCommitRequest(1, [new Operation("set", [1]) { Value = [2] }], [[3], [4]])
            {
                ReadConflictRanges = [new ReadConflictRange([5]) { EndKey = [6] }],
                Traceparent = Context,
            }
        },
    };

    [Theory]
    [MemberData(nameof(Requests))]
    public void TryReadContext_finds_the_field_in_every_request(string method, TBase request)
    {
        RequestMessage message = Parse(method, request);

        Assert.True(CallTracing.TryReadContext(in message, out ActivityContext context));
        Assert.Equal("4bf92f3577b34da6a3ce929d0e0e4736", context.TraceId.ToHexString());
    }

    [Fact]
    public void TryReadContext_without_the_request_or_with_a_field_of_another_type_finds_none()
    {
        byte[] header = [0x80, 1, 0, 1, 0, 0, 0, 4, (byte)'p', (byte)'i', (byte)'n', (byte)'g', 0, 0, 0, 1];
        byte[] numberInField110 = [12, 0, 1, 8, 0, 110, 0, 0, 0, 5, 0, 0];
        var empty = RequestMessage.Parse((byte[])[.. header, 0], 0);
        var number = RequestMessage.Parse((byte[])[.. header, .. numberInField110], 0);

        Assert.False(CallTracing.TryReadContext(in empty, out _));
        Assert.False(CallTracing.TryReadContext(in number, out _));
    }

    [Fact]
    public void Start_without_a_listener_gives_nothing_and_allocates_nothing()
    {
        Assert.False(NodeTracing.IsOn);
        var tracing = new CallTracing(1_000_000, () => 0, _time);
        RequestMessage message = Parse("setKey", new SetRequest([1], [2]) { Traceparent = Context });
        Assert.Null(tracing.Start(_method, in message));
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            tracing.Start(_method, in message);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Start_with_a_sampled_caller_is_of_its_trace_however_many_there_are()
    {
        using var spans = new SpanCollector(NodeTracing.SourceName);
        var tracing = new CallTracing(0, () => 7, _time);
        RequestMessage message = Parse("setKey", new SetRequest([1], [2]) { Traceparent = Context });

        for (int i = 0; i < 100; i++)
        {
            Activity span = tracing.Start(_method, in message)!;
            Assert.Equal("4bf92f3577b34da6a3ce929d0e0e4736", span.TraceId.ToHexString());
            Assert.Equal("00f067aa0ba902b7", span.ParentSpanId.ToHexString());
            Assert.Equal((ActivityKind.Server, 7), (span.Kind, span.GetTagItem("kvcloud.node_id")));
            Assert.Null(Activity.Current);
        }
    }

    [Theory]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")]
    [InlineData("not a trace context")]
    [InlineData("")]
    public void Start_with_a_caller_that_is_not_sampled_or_not_understood_gives_nothing(string traceParent)
    {
        using var spans = new SpanCollector(NodeTracing.SourceName);
        var tracing = new CallTracing(0, () => 0, _time);
        RequestMessage message = Parse("get", new GetRequest([1]) { Traceparent = traceParent });

        Assert.Null(tracing.Start(_method, in message));
        Assert.Null(Activity.Current);
    }

    [Fact]
    public void Start_without_a_caller_begins_so_many_traces_a_second()
    {
        using var spans = new SpanCollector(NodeTracing.SourceName);
        using Activity? ambient = new Activity("of somebody else").Start();
        var tracing = new CallTracing(2, () => 0, _time);
        RequestMessage message = Parse("get", new GetRequest([1]));

        Activity?[] started = [.. Enumerable.Range(0, 10).Select(_ => Start(tracing, message))];

        Assert.Equal(2, started.Count(span => span is not null));
        Assert.All(started.OfType<Activity>(), span => Assert.Equal(default, span.ParentSpanId));
        Assert.Same(ambient, Activity.Current);
    }

    private Activity? Start(CallTracing tracing, RequestMessage message) => tracing.Start(_method, in message);

    private static RequestMessage Parse(string method, TBase request) =>
        RequestMessage.Parse(RawClient.Message(method, 1, request), Stopwatch.GetTimestamp());

    /// <summary>Its name and kind are all that is asked for.</summary>
    private sealed class AnyMethod() : RpcMethod("setKey", OperationKind.Write)
    {
        public override IPendingCall Dispatch(in RequestMessage message) =>
            throw new NotSupportedException();

        public override void WriteRefusal(AnswerWriter output, int sequenceId, in Refusal refusal) =>
            throw new NotSupportedException();
    }
}

using KvCloud.Consensus;
using KvCloud.Node.Access;
using KvCloud.Node.Operations;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Methods;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;
using Thrift.Protocol;

namespace KvCloud.Tests.Node.Rpc;

/// <summary>The methods of the dispatcher, against the table of operations and the contract.</summary>
public sealed class MethodTableTests
{
    [Fact]
    public async Task KvDispatcher_has_for_every_operation_a_method_that_implements_its_class()
    {
        await using ServiceHost host = await ServiceHost.StartAsync();

        IReadOnlyList<RpcMethod> methods = host.Servers[0].Dispatcher.Methods;

        Assert.Equal(
            OperationClassifier.All.Select(operation => operation.Method).Order(),
            methods.Select(method => method.Name).Order());
        Assert.All(methods, method => Assert.Equal(
            method.Operation.ThroughConsensus, method is WriteMethod));
    }

    [Theory]
    [InlineData("setKey", OperationKind.Read, false)]
    [InlineData("get", OperationKind.Read, true)]
    [InlineData("snapshotGet", OperationKind.Read, false)]
    [InlineData("ping", OperationKind.ClientSide, false)]
    [InlineData("Get", OperationKind.Read, false)]
    [InlineData("unknown", OperationKind.Read, false)]
    public void RpcMethod_under_another_class_than_it_implements_cannot_be_made(
        string name, object kind, bool isAtVersion) =>
        Assert.Throws<InvariantViolationException>(() => new AnyMethod(name, (OperationKind)kind, isAtVersion));

    /// <summary>One place fills them in; the contract says which answers have which.</summary>
    [Fact]
    public void Fill_of_a_refusal_is_in_every_field_that_an_answer_has_for_it()
    {
        var refusal = new Refusal(ErrorCode.NOT_LEADER, "no", "there:1", "TEXT");
        TBase[] answers =
        [
            .. typeof(TransactionalKV.IAsync).GetMethods()
                .Select(method => method.ReturnType.GetGenericArguments()[0])
                .Where(type => type != typeof(PingResponse))
                .Distinct()
                .Select(type => (TBase)Activator.CreateInstance(type)!),
        ];

        Assert.All(answers, answer =>
        {
            Answers.Fill(answer, in refusal);
            Assert.Equal("no", Property(answer, "Error"));
            Assert.Equal(ErrorCode.NOT_LEADER, Property(answer, "Code"));
            Assert.Equal(ErrorCode.NOT_LEADER, Answers.CodeOf(answer));
            Assert.Contains(Property(answer, "LeaderEndpoint"), new object?[] { "there:1", "none" });
            Assert.Contains(Property(answer, "ErrorCode"), new object?[] { "TEXT", "none" });
        });
        Assert.Contains(answers, answer => Equals(Property(answer, "ErrorCode"), "TEXT"));
    }

    [Fact]
    public void Fill_of_a_refusal_that_names_no_leader_leaves_its_field_empty()
    {
        GetResponse answer = Answers.Fill(new GetResponse(), new Refusal(ErrorCode.NO_LEADER, "none"));

        Assert.False(answer.__isset.leader_endpoint);
    }

    /// <summary>The hottest call costs no object, unless it waits.</summary>
    [Fact]
    public async Task GetMethod_that_answered_at_once_leaves_its_object_to_the_next()
    {
        await using ServiceHost host = await ServiceHost.StartAsync();
        KvDispatcher dispatcher = host.Servers[0].Dispatcher;
        var output = new AnswerWriter();
        RequestMessage get = Get("a");

        IPendingCall first = dispatcher.Dispatch(in get);
        Assert.True(first.TryAnswerNow(output, out ErrorCode code));
        IPendingCall second = dispatcher.Dispatch(in get);
        IPendingCall third = dispatcher.Dispatch(in get);

        Assert.Equal(ErrorCode.OK, code);
        Assert.Same(first, second);
        Assert.NotSame(second, third);
        Assert.Equal(get.ReceivedTimestamp, third.ReceivedTimestamp);
        output.Clear();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task GetMethod_that_answers_at_once_allocates_what_the_store_does_and_nothing_else(bool isHeldToRights)
    {
        const int gets = 500;
        await using ServiceHost host = isHeldToRights
            ? await ServiceHost.StartAsync(1, AccessServiceTests.Required)
            : await ServiceHost.StartAsync();
        var caller = new Caller(null);
        if (isHeldToRights)
        {
            await ConnectionTests.Eventually(() => host.Servers[0].Reader.Access.HasAdmin);
            caller.Principal = Principal.ByCertificate("admin");
        }

        KvDispatcher dispatcher = host.Servers[0].Dispatcher;
        var output = new AnswerWriter();
        RequestMessage message = Get("missing", caller);
        byte[] key = ServiceTests.Key("missing");
        int answered = 0;

        // The least of some rounds: spans that other tests ask for, or a collection, may come in between.
        long whole = Enumerable.Range(0, 20).Min(_ => Allocated(() =>
        {
            dispatcher.Dispatch(in message).TryAnswerNow(output, out ErrorCode code);
            answered += code == ErrorCode.OK ? 1 : 0;
            output.Clear();
        }));
        long store = Enumerable.Range(0, 20).Min(_ => Allocated(() =>
            host.Servers[0].Reader.Get(null, key, at: null)));

        Assert.InRange(whole - store, -gets, gets);
        Assert.Equal(20 * gets, answered);

        static long Allocated(Action call)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < gets; i++)
            {
                call();
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }

    private static RequestMessage Get(string key, Caller? caller = null) => RequestMessage.Parse(
        RawClient.Message("get", 1, new GetRequest(ServiceTests.Key(key)) { MaxStalenessMs = 0 }), 5, caller);

    private static object? Property(TBase answer, string name) =>
        answer.GetType().GetProperty(name) is { } property ? property.GetValue(answer) : "none";

    private sealed class AnyMethod(string name, OperationKind kind, bool isAtVersion)
        : RpcMethod(name, kind, isAtVersion)
    {
        public override IPendingCall Dispatch(in RequestMessage message) => throw new NotSupportedException();

        public override void WriteRefusal(AnswerWriter output, int sequenceId, in Refusal refusal) =>
            throw new NotSupportedException();
    }
}

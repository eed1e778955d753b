using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Fairness;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.Transport;
using KvCloud.Tests.Node.Rpc;

namespace KvCloud.Tests.Node.Replication;

/// <summary>A follower's half against a leader whose words the test chooses: no answer is ever false.</summary>
[SuppressMessage("Design", "CA1001", Justification = "xunit disposes by IAsyncLifetime.")]
public sealed class WriteForwarderTests : IAsyncLifetime
{
    private static readonly byte[] Command =
        CommandCodec.Encode(new SetCommand(null, "key"u8.ToArray(), "value"u8.ToArray()));

    private const int Greedy = 3_000;

    private readonly ScriptedLink _link = new();
    private ServiceHost _host = null!;
    private WriteForwarder _forwarder = null!;
    private IWorkers _workers = null!;
    private Timer _sweeps = null!;
    private NodeId _self;
    private NodeId _leader;

    public async Task InitializeAsync()
    {
        _host = await ServiceHost.StartAsync(replicas: 3);
        _leader = new NodeId(_host.Leader);
        _self = new NodeId((_host.Leader + 1) % 3);
        ConsensusDriver driver = _host.Replicas[_self.Value].Driver;
        await ConnectionTests.Eventually(() => driver.Status.Leader == _leader);
        var options = new ReplicationOptions { MaxQueuedWrites = 2, MaxQueuedWriteBytes = 1000 };
        var runtime = new ThreadRuntime(TimeProvider.System);
        _workers = runtime.CreateWorkers(_ => { });
        _forwarder = new WriteForwarder(_self, driver, _link, options, runtime, _workers);
        _workers.Add(Station.Forward, _forwarder.Sender);
        _workers.Start();
        _sweeps = new Timer(
            _ => _forwarder.Sweep(runtime.Clock.NowMs), null, TimeSpan.Zero, TimeSpan.FromMilliseconds(10));
    }

    public async Task DisposeAsync()
    {
        await _sweeps.DisposeAsync();
        _forwarder.Stop();
        _workers.Stop(Station.Forward);
        _workers.Dispose();
        await _host.DisposeAsync();
    }

    [Fact]
    public async Task Write_answered_by_the_leader_gets_the_whole_answer()
    {
        Task<CommandResult> write = Send();
        Forward sent = await _link.NextAsync();
        Assert.Equal((_self, _leader), (sent.From, sent.To));
        Assert.Equal(Command, sent.Command.ToArray());
        Assert.InRange(sent.TimeoutMs, 1, 10_000);

        Reply(sent, new CommandResult(KvStatus.Ok, new CommitVersion(7), Generated: [[1, 2], []]));

        CommandResult result = await write;
        Assert.Equal((KvStatus.Ok, new CommitVersion(7)), (result.Code, result.Version));
        Assert.Equal([[1, 2], []], result.Generated!);
        Assert.Equal(0, _forwarder.PendingCount);
    }

    [Fact]
    public async Task Write_answer_waits_until_the_write_can_be_read_on_this_node()
    {
        Action? visible = null;
        CommitVersion asked = default;
        Task<CommandResult> write = Send(awaitVisible: (version, _, then) =>
        {
            asked = version;
            visible = then;
        });
        Reply(await _link.NextAsync(), new CommandResult(KvStatus.Ok, new CommitVersion(7)));
        Assert.False(write.IsCompleted);

        visible!();

        Assert.Equal(KvStatus.Ok, (await write).Code);
        Assert.Equal(new CommitVersion(7), asked);
    }

    [Theory]
    [InlineData(nameof(KvStatus.Conflict))]
    [InlineData(nameof(KvStatus.Overloaded))]
    [InlineData(nameof(KvStatus.OutcomeUnknown))]
    [InlineData(nameof(KvStatus.NoLeader))]
    [InlineData(nameof(KvStatus.Timeout))]
    public async Task Write_refusal_of_the_leader_is_given_back_as_it_is(string status)
    {
        KvStatus code = Enum.Parse<KvStatus>(status);
        Task<CommandResult> write = Send();
        Reply(await _link.NextAsync(), new CommandResult(code, Message: "because"));

        CommandResult result = await write;
        Assert.Equal((code, "because"), (result.Code, result.Message));
    }

    [Fact]
    public async Task Write_that_a_deposed_leader_did_not_take_is_sent_anew_under_another_number()
    {
        Task<CommandResult> write = Send();
        Forward first = await _link.NextAsync();
        Reply(first, new CommandResult(KvStatus.NotLeader));

        Forward second = await _link.NextAsync();
        Assert.NotEqual(first.Id, second.Id);
        Reply(first, new CommandResult(KvStatus.Ok, new CommitVersion(5)));
        Assert.False(write.IsCompleted);
        Reply(second, new CommandResult(KvStatus.Ok, new CommitVersion(6)));

        Assert.Equal(new CommitVersion(6), (await write).Version);
    }

    [Fact]
    public async Task Write_link_broken_after_the_send_makes_the_outcome_unknown_and_a_late_answer_changes_nothing()
    {
        Task<CommandResult> write = Send();
        Forward sent = await _link.NextAsync();

        _link.Break();
        CommandResult result = await write;
        Reply(sent, new CommandResult(KvStatus.Ok, new CommitVersion(7)));

        Assert.Equal(KvStatus.OutcomeUnknown, result.Code);
        Assert.Contains("may or may not take effect", result.Message, StringComparison.Ordinal);
        Assert.Equal(0, _forwarder.PendingCount);
    }

    [Fact]
    public async Task Write_deadline_without_an_answer_makes_the_outcome_unknown()
    {
        Task<CommandResult> write = Send(timeoutMs: 50);
        await _link.NextAsync();

        Assert.Equal(KvStatus.OutcomeUnknown, (await write).Code);
    }

    [Fact]
    public async Task Write_leader_out_of_reach_is_told_as_no_leader_and_nothing_is_sent()
    {
        _link.IsConnected = false;

        CommandResult result = await Send();

        Assert.Equal(KvStatus.NoLeader, result.Code);
        Assert.Contains("nothing was written", result.Message, StringComparison.Ordinal);
        Assert.Equal(0, _link.Sent);
    }

    [Fact]
    public async Task Write_answer_in_the_name_of_another_peer_is_not_taken()
    {
        Task<CommandResult> write = Send();
        Forward sent = await _link.NextAsync();
        var stranger = new NodeId(3 - _self.Value - _leader.Value);

        var other = new CommandResult(KvStatus.Ok, new CommitVersion(9));
        _forwarder.Receive([new ForwardReply(stranger, _self, sent.Id, CommandResultCodec.Encode(other))]);
        Assert.False(write.IsCompleted);
        Reply(sent, new CommandResult(KvStatus.Ok, new CommitVersion(7)));

        Assert.Equal(new CommitVersion(7), (await write).Version);
    }

    [Fact]
    public async Task Write_answer_that_cannot_be_read_makes_the_outcome_unknown()
    {
        Task<CommandResult> write = Send();
        Forward sent = await _link.NextAsync();

        _forwarder.Receive([new ForwardReply(_leader, _self, sent.Id, new byte[] { 1, 0xFF })]);

        Assert.Equal(KvStatus.OutcomeUnknown, (await write).Code);
    }

    [Fact]
    public async Task Write_writes_beyond_the_limit_are_refused_by_its_name_until_one_is_answered()
    {
        Task<CommandResult> first = Send();
        Task<CommandResult> second = Send();
        Forward sent = await _link.NextAsync();
        await _link.NextAsync();

        CommandResult refused = await Send();
        Reply(sent, new CommandResult(KvStatus.Ok, new CommitVersion(1)));
        await first;
        Task<CommandResult> third = Send();
        await _link.NextAsync();

        Assert.Equal(KvStatus.Overloaded, refused.Code);
        Assert.Contains("max_queued_writes", refused.Message, StringComparison.Ordinal);
        Assert.False(second.IsCompleted || third.IsCompleted);
        _forwarder.Stop();
        Assert.Equal(KvStatus.OutcomeUnknown, (await second).Code);
        Assert.Equal(KvStatus.OutcomeUnknown, (await third).Code);
        Assert.Equal(KvStatus.ShuttingDown, (await Send()).Code);
    }

    [Fact]
    public async Task Write_of_a_peer_reaching_a_follower_is_refused_and_not_forwarded()
    {
        var peer = new NodeId(3 - _self.Value - _leader.Value);

        _forwarder.Receive([new Forward(peer, _self, 42, 5000, Command)]);

        ForwardReply reply = await _link.NextReplyAsync();
        Assert.Equal((peer, 42L), (reply.To, reply.Id));
        Assert.True(CommandResultCodec.TryDecode(reply.Result, out CommandResult result, out _));
        Assert.Equal(KvStatus.NotLeader, result.Code);
        Assert.Equal((0, 0), (_link.Sent, _forwarder.PendingCount));
    }

    [Fact]
    public async Task Write_of_a_client_tells_the_leader_whose_it_is()
    {
        _ = Send(flow: new Flow("user anna"));
        Assert.Equal("user anna", (await _link.NextAsync()).Origin);

        _ = Send();
        Assert.Equal("", (await _link.NextAsync()).Origin);
    }

    [Fact]
    public async Task Write_of_a_caller_that_holds_its_share_of_what_is_forwarded_is_refused_and_others_are_not()
    {
        var options = new ReplicationOptions { MaxQueuedWrites = 100 };
        var runtime = new ThreadRuntime(TimeProvider.System);
        ConsensusDriver driver = _host.Replicas[_self.Value].Driver;
        var forwarder = new WriteForwarder(_self, driver, _link, options, runtime, _workers);
        var greedy = new Flow("user greedy");
        List<TestWrite> writes = [.. Enumerable.Range(0, 100).Select(_ => NewWrite(flow: greedy))];

        writes.ForEach(write => forwarder.Write(write, (_, _, then) => then()));
        TestWrite modest = NewWrite(flow: new Flow("user modest"));
        forwarder.Write(modest, (_, _, then) => then());

        Assert.InRange(greedy.Forwarded.Count, 75, 85);
        Assert.Equal(greedy.Forwarded.Count + 1, forwarder.PendingCount);
        Assert.False(modest.Result.IsCompleted);
        CommandResult refused = await writes[^1].Result;
        Assert.Equal(KvStatus.Overloaded, refused.Code);
        Assert.StartsWith("max_queued_writes: user greedy holds", refused.Message, StringComparison.Ordinal);
        forwarder.Stop();
        Assert.Equal((0, 0L), (greedy.Forwarded.Count, greedy.Forwarded.Bytes));
    }

    [Theory]
    [InlineData("user greedy", "user modest")]
    [InlineData("address 10.0.0.7", "user modest")]
    public async Task Receive_writes_of_several_callers_by_one_peer_take_turns_as_if_they_had_called_here(
        string greedy, string modest)
    {
        List<long> order = await AnswersOfTheLeader(greedy, modest);

        // First come, first served would answer it last.
        Assert.InRange(order.IndexOf(Greedy + 2), 0, Greedy - 1);
    }

    [Fact]
    public async Task Receive_writes_of_a_peer_that_does_not_say_whose_they_are_keep_their_order()
    {
        List<long> order = await AnswersOfTheLeader("", "");

        Assert.Equal(Enumerable.Range(1, Greedy + 2).Select(id => (long)id), order);
    }

    /// <summary>
    /// The numbers of writes in the order in which the leader answered them: of one caller, many of another, and one
    /// more of the first, all by one peer.
    /// </summary>
    private async Task<List<long>> AnswersOfTheLeader(string greedy, string modest)
    {
        while (true)
        {
            await ConnectionTests.Eventually(() => _host.Leader >= 0);
            var leader = new NodeId(_host.Leader);
            ConsensusDriver driver = _host.Replicas[leader.Value].Driver;
            Ballot ballot = driver.Status.Ballot;
            List<long> order = await AnswersOf(leader, driver, greedy, modest);
            if (driver.Status is { Role: Role.Leader } status && status.Ballot == ballot)
            {
                return order;
            }

            // It has refused some, since another leads now.
        }
    }

    private async Task<List<long>> AnswersOf(NodeId leader, ConsensusDriver driver, string greedy, string modest)
    {
        var runtime = new ThreadRuntime(TimeProvider.System);
        var forwarder = new WriteForwarder(leader, driver, _link, new ReplicationOptions(), runtime, _workers);
        var peer = new NodeId((leader.Value + 1) % 3);
        List<Message> forwards =
        [
            .. Enumerable.Range(1, Greedy + 2).Select(id => new Forward(
                peer, leader, id, 60_000, Command, Origin: id is 1 or Greedy + 2 ? modest : greedy)),
        ];
        forwarder.Receive(forwards);
        List<long> order = [];
        while (order.Count < forwards.Count)
        {
            forwarder.Sender.TryBegin(default);
            forwarder.Sender.Complete();
            order.AddRange(_link.TakeReplies().Select(reply => reply.Id));
            await Task.Delay(1);
        }

        Assert.Equal(modest.Length == 0 ? 0 : 2, forwarder.Flows.Count);
        forwarder.Flows.ForgetIdle(runtime.Clock.NowMs + 10_000);
        Assert.Equal(0, forwarder.Flows.Count);
        return order;
    }

    private Task<CommandResult> Send(
        int timeoutMs = 10_000, Action<CommitVersion, long, Action>? awaitVisible = null, Flow? flow = null)
    {
        TestWrite write = NewWrite(timeoutMs, flow);
        _forwarder.Write(write, awaitVisible ?? ((_, _, then) => then()));
        return write.Result.WaitAsync(TimeSpan.FromSeconds(20));
    }

    private static TestWrite NewWrite(int timeoutMs = 10_000, Flow? flow = null) =>
        new() { Command = Command, DeadlineMs = Environment.TickCount64 + timeoutMs, Flow = flow };

    private void Reply(Forward forward, CommandResult result) => _forwarder.Receive(
        [new ForwardReply(forward.To, forward.From, forward.Id, CommandResultCodec.Encode(in result))]);

    private sealed class TestWrite : PendingWrite
    {
        private readonly TaskCompletionSource<CommandResult> _result =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<CommandResult> Result => _result.Task;

        protected override void Complete(in CommandResult result) => _result.SetResult(result);
    }

    /// <summary>A link that keeps what is sent and breaks when told to.</summary>
    private sealed class ScriptedLink : IConsensusTransport
    {
        private readonly BlockingCollection<Forward> _forwards = [];
        private readonly BlockingCollection<ForwardReply> _replies = [];
        private long _breaks;

        public void Reconfigure(GroupMembers members, bool isSettled)
        {
        }

        public bool IsConnected { get; set; } = true;

        public int Sent => _forwards.Count;

        public IReadOnlyList<PeerLink> Links => [];

        public void Break() => Interlocked.Increment(ref _breaks);

        public List<ForwardReply> TakeReplies()
        {
            List<ForwardReply> replies = [];
            while (_replies.TryTake(out ForwardReply? reply))
            {
                replies.Add(reply);
            }

            return replies;
        }

        public Task<Forward> NextAsync() => NextAsync(_forwards);

        public Task<ForwardReply> NextReplyAsync() => NextAsync(_replies);

        public LinkState StateOf(NodeId peer) => new(IsConnected, Interlocked.Read(ref _breaks));

        public PeerIdentity? IdentityOf(NodeId peer) => null;

        public PeerRelease? ReleaseOf(NodeId node) => null;

        public void RequireFeatureLevel(int level)
        {
        }

        public Task StartAsync(
            Action<IReadOnlyList<Message>> onReceived, Action<PeerReport> onReport,
            CancellationToken cancellationToken) =>
            Task.CompletedTask;

        public void Send(IReadOnlyList<Message> messages)
        {
            foreach (Message message in messages)
            {
                if (message is Forward forward)
                {
                    _forwards.Add(forward);
                }
                else
                {
                    _replies.Add((ForwardReply)message);
                }
            }
        }

        public void Report(PeerReport report)
        {
        }

        public ValueTask DisposeAsync()
        {
            _forwards.Dispose();
            _replies.Dispose();
            return ValueTask.CompletedTask;
        }

        private static Task<T> NextAsync<T>(BlockingCollection<T> queue) => Task.Run(() =>
            queue.TryTake(out T? next, TimeSpan.FromSeconds(20))
                ? next
                : throw new TimeoutException($"no {typeof(T).Name} was sent"));
    }
}

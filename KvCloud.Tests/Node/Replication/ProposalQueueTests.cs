using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Fairness;
using KvCloud.Tests.Consensus;

namespace KvCloud.Tests.Node.Replication;

/// <summary>
/// The queue over a real core: a single voter whose disk the test stalls, so that what is proposed stays in flight.
/// </summary>
public sealed class ProposalQueueTests
{
    private const int LargerThanTheWindow = 9 * 1024 * 1024;

    private static readonly ReplicationOptions Options = new() { MaxBatchBytes = 1_000 };

    private readonly DriverInbox _inbox = new(100, long.MaxValue, 1_000, 10);
    private readonly ManualClock _clock = new();
    private readonly NodeUnderTest _node = new(0, voters: 1);
    private readonly ProposalQueue _queue;

    public ProposalQueueTests()
    {
        _queue = new ProposalQueue(Options, _inbox, new ManualRuntime(_clock), new SlotTraces(new NodeId(0), []));
        _node.At(1);
        _node.IsDiskStalled = true;
    }

    [Fact]
    public void Pump_command_larger_than_the_window_behind_an_expired_one_waits_for_room()
    {
        Add(new Write(10, isExpired: false));
        Pump();
        Assert.Equal(1, _node.Core.InFlightSlots);
        var expired = new Write(10, isExpired: true);
        var large = new Write(LargerThanTheWindow, isExpired: false);
        Add(expired, large);

        Pump();

        Assert.Equal(KvStatus.Timeout, expired.Result?.Code);
        Assert.Null(large.Result);
        Assert.Equal(1, _queue.WaitingCount);
        Assert.Equal(1, _node.Core.InFlightSlots);

        _node.ResumeDisk();
        Pump();
        Assert.Equal(0, _queue.WaitingCount);
        Assert.Equal(0, _node.Core.InFlightSlots);
    }

    [Fact]
    public void GiveUpInFlight_what_is_proposed_is_of_unknown_outcome_and_what_waits_waits_on()
    {
        var proposed = new Write(10, isExpired: false);
        Add(proposed);
        Pump();
        var waiting = new Write(10, isExpired: false);
        Add(waiting);

        _queue.GiveUpInFlight();

        Assert.Equal(KvStatus.OutcomeUnknown, proposed.Result?.Code);
        Assert.Null(waiting.Result);
    }

    [Fact]
    public void Expire_writes_behind_one_that_still_has_time_are_answered()
    {
        var first = new Write(10, isExpired: false);
        var second = new Write(20, isExpired: true);
        var third = new Write(30, isExpired: false);
        var fourth = new Write(40, isExpired: true);
        Add(first, second, third, fourth);

        _queue.Expire(_clock.NowMs);

        Assert.Equal(KvStatus.Timeout, second.Result?.Code);
        Assert.Equal(KvStatus.Timeout, fourth.Result?.Code);
        Assert.Null(first.Result);
        Assert.Null(third.Result);
        Assert.Equal(2, _queue.WaitingCount);
    }

    [Fact]
    public void Pump_while_others_write_one_flow_has_no_more_in_consensus_than_its_limit_until_it_is_answered()
    {
        var greedy = new Flow("address 10.0.0.7") { MaxProposedWrites = 3 };
        var modest = new Flow("address 10.0.0.8");
        Write[] many = [.. Enumerable.Range(0, 20).Select(_ => new Write(200, isExpired: false) { Flow = greedy })];
        var one = new Write(200, isExpired: false) { Flow = modest };
        Add(one);
        Pump();
        Add(many);
        Pump();

        Assert.Equal(17, _queue.WaitingCount);
        Assert.True(greedy.IsAtProposedLimit);
        Assert.True(_queue.IsHeld);

        many[0].Finish(new CommandResult(KvStatus.Ok));
        Pump();
        Assert.Equal(16, _queue.WaitingCount);
    }

    [Fact]
    public void Pump_of_one_flow_alone_proposes_all_that_the_window_takes()
    {
        var alone = new Flow("address 10.0.0.7") { MaxProposedWrites = 3 };
        Add([.. Enumerable.Range(0, 20).Select(_ => new Write(200, isExpired: false) { Flow = alone })]);
        Pump();

        Assert.InRange(_queue.WaitingCount, 0, 4);
        Assert.False(_queue.IsHeld);
    }

    private void Add(params Write[] writes)
    {
        foreach (Write write in writes)
        {
            Assert.Null(_inbox.Post(write, out _));
        }

        _queue.Add(_inbox.Take(new DriverInbox.Batch()).Writes);
    }

    private void Pump() => _node.Do(_queue.Pump);

    private sealed class Write : PendingWrite
    {
        [System.Diagnostics.CodeAnalysis.SetsRequiredMembers]
        public Write(int sizeBytes, bool isExpired)
        {
            Command = new byte[sizeBytes];
            DeadlineMs = isExpired ? -1 : 60_000;
        }

        public CommandResult? Result { get; private set; }

        protected override void Complete(in CommandResult result) => Result = result;
    }
}

using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Fairness;

namespace KvCloud.Tests.Node.Replication;

public sealed class DriverInboxTests
{
    private readonly DriverInbox _inbox = new(
        maxWrites: 100, maxWriteBytes: 10_000, targetBytes: 1_000, maxSleepMs: 10);

    private readonly List<PendingWrite> _posted = [];

    [Fact]
    public void Post_a_write_is_due()
    {
        Assert.True(Post());
        Assert.True(_inbox.IsDue);
        Assert.False(_inbox.IsEmpty);
    }

    [Fact]
    public void Post_fewer_writes_than_the_target_are_not_due()
    {
        _inbox.Target(writes: 3, maxSleepMs: 10);

        Assert.False(Post());
        Assert.False(Post());
        Assert.False(_inbox.IsDue);
        Assert.True(Post());
    }

    [Fact]
    public void Post_writes_that_were_taken_and_not_released_count()
    {
        _inbox.Target(writes: 3, maxSleepMs: 10);
        Post();
        Post();
        _inbox.Take(new DriverInbox.Batch());
        Assert.True(Post());

        _inbox.Take(new DriverInbox.Batch());
        Release();
        Assert.False(Post());
        Assert.False(Post());
        Assert.True(Post());
    }

    [Fact]
    public void Post_large_writes_are_due_however_few_they_are()
    {
        _inbox.Target(writes: 50, maxSleepMs: 10);

        Assert.True(Post(bytes: 1_000));
    }

    [Fact]
    public void Post_beyond_a_limit_is_refused_with_the_name_of_the_limit()
    {
        for (int i = 0; i < 100; i++)
        {
            Post();
        }

        AssertRefused(KvStatus.Overloaded, "max_queued_writes:");
        Release();
        Post(bytes: 10_000);
        AssertRefused(KvStatus.Overloaded, "max_queued_write_bytes:");
        Release();
        Post();
    }

    [Fact]
    public void Post_of_a_caller_that_has_its_share_is_refused_and_names_it_and_others_have_room()
    {
        var greedy = new Flow("address 10.0.0.7");
        CommandResult? refusal = null;
        int posted = 0;
        for (; refusal is null; posted++)
        {
            Write write = NewWrite(1, greedy);
            refusal = _inbox.Post(write, out _);
            _posted.Add(write);
        }

        Assert.Equal(KvStatus.Overloaded, refusal.Value.Code);
        Assert.StartsWith(
            "max_queued_writes: address 10.0.0.7 holds 81", refusal.Value.Message!, StringComparison.Ordinal);
        var modest = new Flow("address 10.0.0.8");
        for (int i = 0; i < 10; i++)
        {
            Assert.Null(_inbox.Post(NewWrite(1, modest), out _));
        }

        _posted.RemoveAt(posted - 1);
        Release();
        Assert.Equal((0, 0), (greedy.Queued.Count, greedy.Queued.Bytes));
        Assert.Equal(10, modest.Queued.Count);
    }

    [Fact]
    public void Post_of_a_caller_whose_writes_are_large_is_refused_by_their_bytes()
    {
        var greedy = new Flow("address 10.0.0.7");
        Assert.Null(_inbox.Post(NewWrite(8_100, greedy), out _));

        CommandResult? refusal = _inbox.Post(NewWrite(1, greedy), out _);

        Assert.StartsWith(
            "max_queued_write_bytes: address 10.0.0.7 holds 8100", refusal?.Message!, StringComparison.Ordinal);
        Assert.Null(_inbox.Post(NewWrite(1_000, new Flow("address 10.0.0.8")), out _));
    }

    [Fact]
    public void Post_after_the_end_is_refused_as_shutting_down()
    {
        _inbox.Close();

        AssertRefused(KvStatus.ShuttingDown, "the node is stopping");
    }

    [Fact]
    public void Target_writes_that_reach_the_new_target_are_due()
    {
        _inbox.Target(writes: 10, maxSleepMs: 10);
        Post();
        Assert.False(_inbox.IsDue);

        _inbox.Target(writes: 1, maxSleepMs: 10);
        Assert.True(_inbox.IsDue);
    }

    [Fact]
    public void Target_tells_whether_the_worker_sleeps_shorter_from_now_on()
    {
        Assert.False(_inbox.Target(writes: 10, maxSleepMs: 10));
        Assert.True(_inbox.Target(writes: 10, maxSleepMs: 1));
        Assert.Equal(1, _inbox.MaxSleepMs);
        Assert.False(_inbox.Target(writes: 10, maxSleepMs: 10));
    }

    [Fact]
    public void Post_messages_are_due_and_taken_in_their_order()
    {
        var node = new NodeId(0);
        _inbox.Post([new ReadIndexRequest(node, node, 1), new ReadIndexRequest(node, node, 2)]);

        Assert.True(_inbox.IsDue);
        Assert.Equal(
            [1, 2], _inbox.Take(new DriverInbox.Batch()).Messages.Select(message => ((ReadIndexRequest)message).Id));
        Assert.True(_inbox.IsEmpty);
    }

    private static Write NewWrite(int bytes, Flow? flow = null) =>
        new() { Command = new byte[bytes], DeadlineMs = long.MaxValue, Flow = flow };

    private bool Post(int bytes = 1)
    {
        Write write = NewWrite(bytes);
        Assert.Null(_inbox.Post(write, out bool isDue));
        _posted.Add(write);
        return isDue;
    }

    /// <summary>All that was posted has left the queue.</summary>
    private void Release()
    {
        _inbox.Release(_posted);
        _posted.Clear();
    }

    private void AssertRefused(KvStatus status, string reason)
    {
        CommandResult? refusal = _inbox.Post(NewWrite(1), out _);

        Assert.Equal(status, refusal?.Code);
        Assert.StartsWith(reason, refusal?.Message, StringComparison.Ordinal);
    }

    private sealed class Write : PendingWrite
    {
        protected override void Complete(in CommandResult result)
        {
        }
    }
}

using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;

namespace KvCloud.Tests.Node.Replication;

public sealed class DriverInboxTests
{
    private readonly DriverInbox _inbox = new(
        maxWrites: 100, maxWriteBytes: 10_000, targetBytes: 1_000, maxSleepMs: 10);

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
        _inbox.Release(3, 3);
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
        _inbox.Release(100, 100);
        Post(bytes: 10_000);
        AssertRefused(KvStatus.Overloaded, "max_queued_write_bytes:");
        _inbox.Release(1, 10_000);
        Post();
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

    private static Write NewWrite(int bytes) => new() { Command = new byte[bytes], DeadlineMs = long.MaxValue };

    private bool Post(int bytes = 1)
    {
        Assert.Null(_inbox.Post(NewWrite(bytes), out bool isDue));
        return isDue;
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

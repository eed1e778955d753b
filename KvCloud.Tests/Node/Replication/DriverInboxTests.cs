using KvCloud.Node.Replication;
using KvCloud.Node.State;

namespace KvCloud.Tests.Node.Replication;

public sealed class DriverInboxTests : IDisposable
{
    private const int ForeverMs = 60_000;
    private static readonly TimeSpan Enough = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(200);

    private readonly DriverInbox _inbox = new(maxWrites: 100, maxWriteBytes: 10_000, bytesWanted: 1_000, ForeverMs);

    public void Dispose() => _inbox.Dispose();

    [Fact]
    public async Task A_write_wakes_the_loop()
    {
        Task loop = Wait();
        Post();
        await loop.WaitAsync(Enough);
    }

    [Fact]
    public async Task Fewer_writes_than_are_wanted_wake_nobody()
    {
        _inbox.Want(writes: 3, ForeverMs);
        Task loop = Wait();
        Post();
        Post();
        await Assert.ThrowsAsync<TimeoutException>(() => loop.WaitAsync(Moment));

        Post();
        await loop.WaitAsync(Enough);
    }

    [Fact]
    public async Task Writes_that_were_taken_and_wait_still_count()
    {
        _inbox.Want(writes: 3, ForeverMs);
        Post();
        Post();
        _inbox.Take(new DriverInbox.Batch());
        Task loop = Wait();
        Post();
        await loop.WaitAsync(Enough);

        _inbox.Take(new DriverInbox.Batch());
        _inbox.Release(3, 3);
        Task again = Wait();
        Post();
        Post();
        await Assert.ThrowsAsync<TimeoutException>(() => again.WaitAsync(Moment));
        Post();
        await again.WaitAsync(Enough);
    }

    [Fact]
    public async Task Large_writes_wake_the_loop_however_few_they_are()
    {
        _inbox.Want(writes: 50, ForeverMs);
        Task loop = Wait();
        Post(bytes: 1_000);
        await loop.WaitAsync(Enough);
    }

    [Fact]
    public async Task Writes_that_are_enough_by_now_end_the_wait_before_it_begins()
    {
        _inbox.Want(writes: 10, ForeverMs);
        Post();
        _inbox.Want(writes: 1, ForeverMs);
        await Wait().WaitAsync(Enough);
    }

    [Fact]
    public async Task Loop_that_waits_hears_of_its_shorter_patience()
    {
        _inbox.Want(writes: 10, ForeverMs);
        Task loop = Wait();
        Post();
        await Assert.ThrowsAsync<TimeoutException>(() => loop.WaitAsync(Moment));

        _inbox.Want(writes: 10, patienceMs: 1);
        await loop.WaitAsync(Enough);
        await Wait().WaitAsync(Enough);
    }

    private Task Wait() => Task.Factory.StartNew(
        () => _inbox.Wait(isTaken: false), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private void Post(int bytes = 1) => Assert.True(_inbox.TryPost(
        new Write { Command = new byte[bytes], DeadlineTickMs = long.MaxValue }, wakesLoop: true));

    private sealed class Write : PendingWrite
    {
        protected override void Complete(in CommandResult result)
        {
        }
    }
}

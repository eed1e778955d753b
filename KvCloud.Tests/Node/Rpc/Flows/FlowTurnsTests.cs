using System.Collections.Concurrent;
using KvCloud.Node.Rpc.Flows;

namespace KvCloud.Tests.Node.Rpc.Flows;

public sealed class FlowTurnsTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public void TryEnter_no_more_have_a_turn_at_once_than_may()
    {
        var turns = new FlowTurns(() => 2);

        Assert.True(turns.TryEnter());
        Assert.True(turns.TryEnter());
        Assert.False(turns.TryEnter());
        turns.Leave();
        Assert.True(turns.TryEnter());
    }

    [Fact]
    public async Task Run_items_wait_for_turns_and_have_them_in_their_order()
    {
        var turns = new FlowTurns(() => 1);
        var order = new ConcurrentQueue<int>();
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Assert.True(turns.TryEnter());
        for (int i = 0; i < 100; i++)
        {
            turns.Run(new Item(turns, order, i, done));
        }

        Assert.Empty(order);
        turns.Leave();
        await done.Task.WaitAsync(Patience);

        Assert.Equal(Enumerable.Range(0, 100), order);
    }

    [Fact]
    public async Task NextAsync_goes_on_when_another_has_left()
    {
        var turns = new FlowTurns(() => 1);
        Assert.True(turns.TryEnter());
        Task<int> waiting = WaitAsync(turns);
        await Task.Delay(50);
        Assert.False(waiting.IsCompleted);

        turns.Leave();

        Assert.Equal(1, await waiting.WaitAsync(Patience));
        Assert.False(turns.TryEnter());
    }

    [Fact]
    public async Task FlowTurns_of_many_threads_let_each_item_run_once_and_end_with_no_turn_taken()
    {
        int limit = 3;
        int running = 0, most = 0, ran = 0;
        var turns = new FlowTurns(() => Volatile.Read(ref limit));
        await Task.WhenAll(Enumerable.Range(0, 8).Select(thread => Task.Run(async () =>
        {
            for (int i = 0; i < 500; i++)
            {
                if (!turns.TryEnter())
                {
                    await turns.NextAsync();
                }

                int now = Interlocked.Increment(ref running);
                InterlockedMax(ref most, now);
                Interlocked.Increment(ref ran);
                Interlocked.Decrement(ref running);
                turns.Leave();
                Volatile.Write(ref limit, 1 + (i % 3));
            }
        })));

        Assert.Equal(4_000, ran);
        Assert.InRange(most, 1, 3);
        Volatile.Write(ref limit, 1);
        Assert.True(turns.TryEnter());
    }

    private static async Task<int> WaitAsync(FlowTurns turns)
    {
        await turns.NextAsync();
        return 1;
    }

    private static void InterlockedMax(ref int target, int value)
    {
        int before = Volatile.Read(ref target);
        while (value > before)
        {
            int found = Interlocked.CompareExchange(ref target, value, before);
            if (found == before)
            {
                return;
            }

            before = found;
        }
    }

    private sealed class Item(FlowTurns turns, ConcurrentQueue<int> order, int number, TaskCompletionSource done)
        : IThreadPoolWorkItem
    {
        public void Execute()
        {
            order.Enqueue(number);
            turns.Leave();
            if (number == 99)
            {
                done.TrySetResult();
            }
        }
    }
}

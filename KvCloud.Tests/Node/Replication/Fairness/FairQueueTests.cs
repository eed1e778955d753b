using KvCloud.Node.Replication.Fairness;

namespace KvCloud.Tests.Node.Replication.Fairness;

public sealed class FairQueueTests
{
    private readonly FairQueue<string> _queue = new();

    [Fact]
    public void TryDequeue_items_of_one_connection_come_in_their_order()
    {
        Enqueue("a", "a1", 3);
        Enqueue("a", "a1", 2, from: 4);

        Assert.Equal(["a1-1", "a1-2", "a1-3", "a1-4", "a1-5"], Drain());
    }

    [Fact]
    public void TryDequeue_a_modest_caller_waits_for_one_turn_of_a_greedy_one_and_not_for_its_queue()
    {
        Enqueue("greedy", "g", 10_000, bytes: 100);
        Enqueue("modest", "m", 1, bytes: 100);

        int before = Drain().IndexOf("m-1");

        Assert.InRange(before, 1, (FairQueue<string>.TurnBytes / 100) + 1);
    }

    [Fact]
    public void TryDequeue_ten_modest_callers_that_come_late_wait_for_one_turn_of_the_greedy_one_together()
    {
        Enqueue("greedy", "g", 10_000, bytes: 100);
        for (int i = 0; i < 500; i++)
        {
            Dequeue();
        }

        for (int i = 0; i < 10; i++)
        {
            Enqueue($"modest {i}", $"m{i}", 1, bytes: 100);
        }

        List<string> order = Drain();
        int greedyBefore = order.TakeWhile(item => item != "m9-1").Count(item => item.StartsWith('g'));

        Assert.InRange(greedyBefore, 1, (FairQueue<string>.TurnBytes / 100) + 1);
        Assert.Equal(
            Enumerable.Range(0, 10).Select(i => $"m{i}-1"), order.Where(item => item.StartsWith('m')));
    }

    [Fact]
    public void TryDequeue_large_items_cost_their_caller_turns()
    {
        const int large = 10 * FairQueue<string>.TurnBytes;
        Enqueue("large", "l", 4, bytes: large);
        Enqueue("small", "s", 4_000, bytes: 100);

        List<string> order = Drain();
        int smallBetween = order.IndexOf("l-3") - order.IndexOf("l-2") - 1;

        Assert.InRange(smallBetween, large / 200, large / 100);
    }

    [Fact]
    public void TryDequeue_connections_of_one_caller_take_turns_and_share_what_it_gets()
    {
        Enqueue("many", "c1", 3, bytes: 1);
        Enqueue("many", "c2", 1, bytes: 1);
        Enqueue("many", "c3", 2, bytes: 1);

        Assert.Equal(["c1-1", "c2-1", "c3-1", "c1-2", "c3-2", "c1-3"], Drain());
    }

    [Fact]
    public void TryDequeue_a_hundred_connections_get_their_caller_no_more_than_one_connection()
    {
        for (int i = 0; i < 100; i++)
        {
            Enqueue("many", $"c{i}", 100, bytes: 100);
        }

        Enqueue("one", "o", 1_000, bytes: 100);

        int ofOne = Drain().Take(1_000).Count(item => item.StartsWith('o'));

        Assert.InRange(ofOne, 450, 550);
    }

    [Fact]
    public void TryPeek_says_what_is_taken_next_whatever_comes_in_between()
    {
        Enqueue("a", "a", 50, bytes: 1_000);
        Enqueue("b", "b", 50, bytes: 3_000);
        for (int i = 0; i < 100; i++)
        {
            Assert.True(_queue.TryPeek(out string? next));
            Enqueue($"c{i}", $"c{i}", 1);
            Assert.Equal(next, Dequeue());
        }
    }

    [Fact]
    public void TryDequeue_passes_by_who_has_to_wait_and_comes_back_to_it()
    {
        HashSet<object> waiting = [];
        var queue = new FairQueue<string>(waiting.Contains);
        object greedy = new();
        object modest = new();
        queue.Enqueue("g1", greedy, greedy, 10);
        queue.Enqueue("g2", greedy, greedy, 10);
        queue.Enqueue("m1", modest, modest, 10);
        waiting.Add(greedy);

        Assert.Equal((1, 10), queue.Ready());
        Assert.True(queue.TryDequeue(out string? first));
        Assert.Equal("m1", first);
        Assert.False(queue.TryPeek(out _));
        Assert.False(queue.TryDequeue(out _));
        Assert.Equal(2, queue.Count);

        waiting.Clear();
        Assert.Equal((2, 20), queue.Ready());
        Assert.True(queue.TryPeek(out string? peeked));
        waiting.Add(greedy);
        Assert.True(queue.TryDequeue(out string? taken));
        Assert.Equal((peeked, "g1"), (taken, taken));
        Assert.False(queue.TryDequeue(out _));
    }

    [Fact]
    public void RemoveAll_takes_out_what_matches_and_leaves_the_others_in_their_order()
    {
        Enqueue("a", "a1", 4, bytes: 10);
        Enqueue("a", "a2", 1, bytes: 10);
        Enqueue("b", "b1", 2, bytes: 10);

        List<string> removed = _queue.RemoveAll(item => item.EndsWith('1') || item.StartsWith('b'));

        Assert.Equal(["a1-1", "a2-1", "b1-1", "b1-2"], removed);
        Assert.Equal((3, 30), (_queue.Count, _queue.Bytes));
        Assert.Equal(["a1-2", "a1-3", "a1-4"], Drain());
    }

    [Fact]
    public void FairQueue_beside_a_model_of_counts_holds_every_item_exactly_once()
    {
        var random = new Random(4711);
        var inside = new List<string>();
        int next = 0;
        for (int step = 0; step < 20_000; step++)
        {
            if (random.Next(3) > 0)
            {
                string item = $"i{next++}";
                _queue.Enqueue(item, Names[random.Next(5)], Names[5 + random.Next(5)], random.Next(20_000));
                inside.Add(item);
            }
            else if (random.Next(200) == 0)
            {
                List<string> removed = _queue.RemoveAll(item => item.EndsWith('7'));
                Assert.All(removed, item => Assert.True(inside.Remove(item)));
                Assert.DoesNotContain(inside, item => item.EndsWith('7'));
            }
            else if (_queue.TryDequeue(out string? taken))
            {
                Assert.True(inside.Remove(taken));
            }

            Assert.Equal(inside.Count, _queue.Count);
        }

        Assert.Equal(inside.Order(), Drain().Order());
        Assert.Equal(0, _queue.Bytes);
    }

    private static object[] Names { get; } = [.. Enumerable.Range(0, 10).Select(i => new object())];

    private readonly Dictionary<string, object> _names = [];

    private void Enqueue(string caller, string connection, int count, int bytes = 1, int from = 1)
    {
        for (int i = from; i < from + count; i++)
        {
            _queue.Enqueue($"{connection}-{i}", Name(caller), Name(connection), bytes);
        }
    }

    private object Name(string name) =>
        _names.TryGetValue(name, out object? found) ? found : _names[name] = new object();

    private string Dequeue()
    {
        Assert.True(_queue.TryDequeue(out string? item));
        return item;
    }

    private List<string> Drain()
    {
        List<string> items = [];
        while (_queue.TryDequeue(out string? item))
        {
            items.Add(item);
        }

        return items;
    }
}

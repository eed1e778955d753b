using KvCloud.Node.History;
using Microsoft.Extensions.Time.Testing;

namespace KvCloud.Tests.Node.History;

public sealed class HistoryRingTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    [Fact]
    public void Read_after_a_number_gives_each_item_once_in_order()
    {
        HistoryRing<Item> ring = Ring(maxItems: 10);
        Add(ring, 1, 2, 3, 4, 5);

        HistoryPage<Item> first = ring.Read(after: 0, limit: 2);
        HistoryPage<Item> second = ring.Read(first.Next, limit: 2);
        HistoryPage<Item> third = ring.Read(second.Next, limit: 2);
        Add(ring, 6);
        HistoryPage<Item> fourth = ring.Read(third.Next, limit: 2);

        Assert.Equal([1, 2], first.Items.Select(item => item.Value));
        Assert.Equal([3, 4], second.Items.Select(item => item.Value));
        Assert.Equal([5], third.Items.Select(item => item.Value));
        Assert.Equal([6], fourth.Items.Select(item => item.Value));
        Assert.Empty(ring.Read(fourth.Next, limit: 2).Items);
    }

    [Fact]
    public void Read_without_a_number_gives_the_newest()
    {
        HistoryRing<Item> ring = Ring(maxItems: 10);
        Add(ring, 1, 2, 3, 4, 5);

        HistoryPage<Item> page = ring.Read(after: null, limit: 2);

        Assert.Equal([4, 5], page.Items.Select(item => item.Value));
        Assert.Empty(ring.Read(page.Next, limit: 2).Items);
    }

    [Fact]
    public void Add_beyond_the_limit_drops_the_oldest_and_says_so()
    {
        HistoryRing<Item> ring = Ring(maxItems: 3);
        Add(ring, 1);
        long next = ring.Read(after: null, limit: 1).Next;
        Add(ring, 2, 3, 4, 5, 6);

        HistoryPage<Item> page = ring.Read(next, limit: 10);

        Assert.Equal([4, 5, 6], page.Items.Select(item => item.Value));
        Assert.Equal(2, page.Dropped);
        Assert.Equal(3, ring.Read(after: 0, limit: 10).Dropped);
    }

    [Fact]
    public void Add_beyond_the_limit_of_memory_drops_the_oldest_but_never_the_newest()
    {
        HistoryRing<Item> ring = Ring(maxItems: 100, maxBytes: 50);
        ring.Add(new Item(1, size: 20));
        ring.Add(new Item(2, size: 20));
        ring.Add(new Item(3, size: 20));
        Assert.Equal([2, 3], ring.Read(after: 0, limit: 10).Items.Select(item => item.Value));

        ring.Add(new Item(4, size: 1_000));

        Assert.Equal([4], ring.Read(after: 0, limit: 10).Items.Select(item => item.Value));
    }

    [Fact]
    public void Read_of_what_is_wanted_counts_only_that_towards_the_limit()
    {
        HistoryRing<Item> ring = Ring(maxItems: 10);
        Add(ring, 1, 2, 3, 4, 5, 6);

        HistoryPage<Item> page = ring.Read(after: 0, limit: 2, item => item.Value % 2 == 0);
        HistoryPage<Item> rest = ring.Read(page.Next, limit: 2, item => item.Value % 2 == 0);

        Assert.Equal([2, 4], page.Items.Select(item => item.Value));
        Assert.Equal([6], rest.Items.Select(item => item.Value));
    }

    [Fact]
    public void Read_after_the_number_of_an_earlier_process_misses_nothing()
    {
        HistoryRing<Item> former = Ring(maxItems: 10);
        Add(former, 1, 2, 3);
        long next = former.Read(after: null, limit: 10).Next;

        _time.Advance(TimeSpan.FromSeconds(1));
        HistoryRing<Item> restarted = Ring(maxItems: 10);
        Add(restarted, 4);
        HistoryPage<Item> page = restarted.Read(next, limit: 10);

        Assert.Equal([4], page.Items.Select(item => item.Value));
        Assert.Equal(0, page.Dropped);
        Assert.InRange(page.Next, 1, (1L << 53) - 1);
    }

    private static void Add(HistoryRing<Item> ring, params int[] values)
    {
        foreach (int value in values)
        {
            ring.Add(new Item(value));
        }
    }

    private HistoryRing<Item> Ring(int maxItems, long maxBytes = 1_000_000) => new(maxItems, maxBytes, _time);

    private sealed class Item(int value, int size = 10) : HistoryItem
    {
        public int Value => value;

        public override int SizeBytes => size;
    }
}

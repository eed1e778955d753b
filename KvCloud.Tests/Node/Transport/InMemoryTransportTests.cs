using System.Collections.Concurrent;
using KvCloud.Consensus;
using KvCloud.Node.Transport;

namespace KvCloud.Tests.Node.Transport;

public sealed class InMemoryTransportTests
{
    private static readonly NodeId One = new(1);
    private static readonly NodeId Two = new(2);

    private readonly InMemoryNetwork _network = new();
    private readonly ConcurrentQueue<Message> _received = new();
    private readonly ConcurrentQueue<PeerReport> _reports = new();

    [Fact]
    public async Task Send_of_several_arrives_in_order_on_another_thread()
    {
        await using InMemoryTransport one = await JoinAsync(1);
        await using InMemoryTransport two = await JoinAsync(2);
        int sender = Environment.CurrentManagedThreadId;
        int receiver = sender;
        await using InMemoryTransport three = _network.Join(TestNode.Identity(3), [1]);
        await three.StartAsync(
            _ => Volatile.Write(ref receiver, Environment.CurrentManagedThreadId), _ => { }, CancellationToken.None);

        for (int i = 0; i < 1000; i++)
        {
            one.Send([Numbered(i)]);
        }

        one.Send([new ReadIndexRequest(One, new NodeId(3), 1)]);
        await Eventually.TrueAsync(() => _received.Count == 1000, () => $"1000 messages, have {_received.Count}");
        await Eventually.TrueAsync(() => Volatile.Read(ref receiver) != sender, () => "another thread delivers");
        Assert.Equal(Enumerable.Range(0, 1000).Select(i => (long)i), Ids());
    }

    [Fact]
    public async Task Report_and_identity_of_a_replica_reach_the_peer()
    {
        await using InMemoryTransport one = await JoinAsync(1);
        await using InMemoryTransport two = await JoinAsync(2);
        PeerReport report = SampleMessages.DrawReport(new Random(1), One);

        one.Report(report);

        await Eventually.TrueAsync(() => !_reports.IsEmpty, () => "the report arrives");
        Assert.Equal([report], _reports);
        Assert.Equal("client-2:9090", one.IdentityOf(Two)?.ClientEndpoint);
        Assert.True(one.Links.Single(link => link.Peer == Two).IsConnected);
    }

    [Fact]
    public async Task Cut_of_one_way_leaves_the_other_and_heals()
    {
        await using InMemoryTransport one = await JoinAsync(1);
        await using InMemoryTransport two = await JoinAsync(2);
        _network.Cut(1, 2);

        one.Send([Numbered(1)]);
        two.Send([new ReadIndexRequest(Two, One, 2)]);
        await Eventually.TrueAsync(() => !_received.IsEmpty, () => "the other direction works");
        Assert.Equal(1, one.Links.Single(link => link.Peer == Two).DroppedMessages);
        Assert.False(one.Links.Single(link => link.Peer == Two).IsConnected);
        Assert.True(two.Links.Single(link => link.Peer == One).IsConnected);

        _network.Heal(1, 2);
        one.Send([Numbered(3)]);
        await Eventually.TrueAsync(() => _received.Count == 2, () => "it is healed");
        Assert.Equal([2L, 3L], Ids());
    }

    [Fact]
    public async Task Delay_of_messages_holds_them_back_and_keeps_their_order()
    {
        await using InMemoryTransport one = await JoinAsync(1);
        await using InMemoryTransport two = await JoinAsync(2);
        _network.Delay(1, 2, TimeSpan.FromMilliseconds(100));
        long start = Environment.TickCount64;

        one.Send([Numbered(1), Numbered(2), Numbered(3)]);
        Assert.Empty(_received);
        await Eventually.TrueAsync(() => _received.Count == 3, () => "they arrive");

        Assert.True(Environment.TickCount64 - start >= 100);
        Assert.Equal([1L, 2L, 3L], Ids());
    }

    [Fact]
    public async Task Lose_of_messages_drops_some_and_counts_them()
    {
        await using InMemoryTransport one = await JoinAsync(1);
        await using InMemoryTransport two = await JoinAsync(2);
        _network.Lose(1, 2, perThousand: 500, seed: 1);
        for (int i = 0; i < 1000; i++)
        {
            one.Send([Numbered(i)]);
        }

        long dropped = one.Links.Single(link => link.Peer == Two).DroppedMessages;
        Assert.InRange(dropped, 300, 700);
        await Eventually.TrueAsync(() => _received.Count == 1000 - dropped, () => $"has {_received.Count}");
    }

    [Fact]
    public async Task DisposeAsync_of_a_node_loses_its_messages_and_it_may_come_back()
    {
        await using InMemoryTransport one = await JoinAsync(1);
        InMemoryTransport two = await JoinAsync(2);
        await Assert.ThrowsAsync<InvalidOperationException>(() => JoinAsync(2));
        await two.DisposeAsync();

        one.Send([Numbered(1)]);
        Assert.Equal(1, one.Links.Single(link => link.Peer == Two).DroppedMessages);

        await using InMemoryTransport again = await JoinAsync(2);
        one.Send([Numbered(2)]);
        await Eventually.TrueAsync(() => !_received.IsEmpty, () => "it is back");
        Assert.Equal([2L], Ids());
    }

    [Fact]
    public async Task Alone_transport_has_nobody_to_send_to()
    {
        await using var alone = InMemoryTransport.Alone(TestNode.Identity(0));
        await alone.StartAsync(_received.EnqueueAll, _reports.Enqueue, CancellationToken.None);

        alone.Send([]);
        alone.Report(SampleMessages.DrawReport(new Random(1), new NodeId(0)));
        Assert.Empty(alone.Links);
        alone.Send([Numbered(1)]);
        Assert.Throws<InvariantViolationException>(
            () => alone.Send([new ReadIndexRequest(new NodeId(0), new NodeId(0), 1)]));
    }

    private static ReadIndexRequest Numbered(long id) => new(One, Two, id);

    private async Task<InMemoryTransport> JoinAsync(int id)
    {
        InMemoryTransport transport = _network.Join(
            TestNode.Identity(id), Enumerable.Range(1, 3).Where(peer => peer != id));
        try
        {
            await transport.StartAsync(_received.EnqueueAll, _reports.Enqueue, CancellationToken.None);
        }
        catch
        {
            await transport.DisposeAsync();
            throw;
        }

        return transport;
    }

    private long[] Ids() => [.. _received.Cast<ReadIndexRequest>().Select(request => request.Id)];
}

file static class QueueExtensions
{
    public static void EnqueueAll(this ConcurrentQueue<Message> queue, IReadOnlyList<Message> messages)
    {
        foreach (Message message in messages)
        {
            queue.Enqueue(message);
        }
    }
}

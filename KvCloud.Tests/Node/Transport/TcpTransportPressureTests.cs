using System.Net;
using System.Net.Sockets;
using KvCloud.Consensus;
using KvCloud.Node.Transport;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Node.Transport;

/// <summary>A peer that does not read, a network that comes and goes.</summary>
public sealed class TcpTransportPressureTests
{
    private static readonly NodeId One = new(1);
    private static readonly NodeId Two = new(2);

    [Fact]
    public async Task Send_to_a_peer_that_does_not_read_costs_a_bounded_queue_and_never_blocks_the_sender()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var directory = new Directory { [2] = (IPEndPoint)listener.LocalEndpoint };
        TransportOptions narrow = TestNode.Quick with
        {
            MaxFrameBytes = 1024 * 1024,
            MaxQueuedBulkBytes = 2 * 1024 * 1024,
            PeerTimeoutMs = 60_000,
        };
        await using TestNode one = await TestNode.StartAsync(1, [2], directory, narrow);
        using RawPeer two = await RawPeer.TakeAsync(listener, TestNode.Identity(2));
        await one.ConnectedToAsync(2);

        // 64 MiB: more than any socket buffers and the queue hold together. This returns though nobody reads.
        const int Count = 1024;
        for (int slot = 1; slot <= Count; slot++)
        {
            one.Transport.Send([SampleMessages.AcceptOf(One, Two, slot, payloadBytes: 64 * 1024)]);
        }

        long dropped = one.Link(2).DroppedMessages;
        Assert.InRange(dropped, 1, Count - 1);
        Assert.True(one.Link(2).IsConnected);

        // A heartbeat has room though bulk has none, and passes in front of the bulk in the queue.
        one.Transport.Send([new Heartbeat(One, Two, new Ballot(1, One), 77, Slot.Zero, Slot.Zero)]);
        Assert.Equal(dropped, one.Link(2).DroppedMessages);
        int behind = Count - (int)dropped;
        int before = 0;
        while (await two.ReceiveMessageAsync() is not Heartbeat { Round: 77 })
        {
            before++;
        }

        Assert.InRange(before, 0, behind - 16);
        for (int i = before; i < behind; i++)
        {
            Assert.IsType<Accept>(await two.ReceiveMessageAsync());
        }

        await Eventually.TrueAsync(
            () => one.Transport.FindPeer(2)!.SentMessages == behind + 1, () => "all that was taken is sent");
    }

    [Fact]
    public async Task Send_control_messages_too_are_dropped_when_their_room_is_full()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var directory = new Directory { [2] = (IPEndPoint)listener.LocalEndpoint };
        TransportOptions narrow = TestNode.Quick with { MaxQueuedControlBytes = 64 * 1024, PeerTimeoutMs = 60_000 };
        await using TestNode one = await TestNode.StartAsync(1, [2], directory, narrow);
        using RawPeer two = await RawPeer.TakeAsync(listener, TestNode.Identity(2));
        await one.ConnectedToAsync(2);
        Message[] thousand =
            [.. Enumerable.Range(0, 1000).Select(i => new ReadIndexRequest(One, Two, i))];

        for (int i = 0; i < 1000 && one.Link(2).DroppedMessages == 0; i++)
        {
            one.Transport.Send(thousand);
        }

        Assert.NotEqual(0, one.Link(2).DroppedMessages);
        Assert.True(one.Link(2).IsConnected);
    }

    [Fact]
    public async Task Send_queue_that_waited_is_sent_when_the_peer_reads_again()
    {
        var directory = new Directory();
        // A window shut for the peer timeout ends the connection, and a busy machine may need longer than that.
        TransportOptions patient = TestNode.Quick with { PeerTimeoutMs = 60_000 };
        await using TestNode one = await TestNode.StartAsync(1, [2], directory, patient);
        await using TestNode two = await TestNode.StartAsync(2, [1], directory);
        await one.ConnectedToAsync(2);
        using var reads = new ManualResetEventSlim();
        two.OnBatch = _ => reads.Wait();

        for (int slot = 1; slot <= 500; slot++)
        {
            one.Transport.Send([SampleMessages.AcceptOf(One, Two, slot, payloadBytes: 64 * 1024)]);
        }

        two.OnBatch = null;
        reads.Set();
        await two.ReceivedAsync(500);
        Assert.Equal(0, one.Link(2).DroppedMessages);
        Assert.Equal(
            Enumerable.Range(1, 500).Select(slot => (long)slot),
            two.Messages.Select(message => ((Accept)message).Entries[0].Slot.Value));
    }

    [Fact]
    public async Task Send_over_a_network_that_is_cut_and_restored_carries_again()
    {
        var directory = new Directory();
        await using TestNode two = await TestNode.StartAsync(2, [1], directory);
        await using var proxy = new TcpProxy(two.Transport.ListenEndPoint);
        directory[2] = proxy.EndPoint;
        await using TestNode one = await TestNode.StartAsync(1, [2], directory);
        await one.ConnectedToAsync(2);

        proxy.Cut();
        await Eventually.TrueAsync(() => !one.Link(2).IsConnected, () => "the cut is noticed");
        one.Transport.Send([new ReadIndexRequest(One, Two, 1)]);
        Assert.InRange(one.Link(2).DroppedMessages, 1, 1);

        proxy.Restore();
        await one.ConnectedToAsync(2);
        one.Transport.Send([new ReadIndexRequest(One, Two, 2)]);
        await two.ReceivedAsync(1);
        Assert.Equal(2, Assert.IsType<ReadIndexRequest>(Assert.Single(two.Messages)).Id);
        Assert.True(one.Link(2).Reconnects >= 1);
    }

    [Fact]
    public async Task Send_when_the_thread_pool_is_busy_arrives()
    {
        var directory = new Directory();
        await using TestNode one = await TestNode.StartAsync(1, [2], directory);
        await using TestNode two = await TestNode.StartAsync(2, [1], directory);
        await one.ConnectedToAsync(2);
        using var free = new ManualResetEventSlim();
        using var received = new ManualResetEventSlim();
        two.OnBatch = _ => received.Set();
        Task[] busy = [.. Enumerable.Range(0, 200).Select(_ => Task.Run(free.Wait))];

        bool arrived = await Task.Factory.StartNew(
            () =>
            {
                one.Transport.Send([new ReadIndexRequest(One, Two, 1)]);
                return received.Wait(TimeSpan.FromSeconds(20)) && !busy[^1].IsCompleted;
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default).ContinueWith(
                task =>
                {
                    free.Set();
                    return task.GetAwaiter().GetResult();
                },
                CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default);

        await Task.WhenAll(busy);
        Assert.True(arrived);
    }
}

using KvCloud.Consensus;
using KvCloud.Node.Files;
using KvCloud.Node.Replication.Snapshots;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.Transport;
using KvCloud.Tests.Node.Storage;

namespace KvCloud.Tests.Node.Replication.Snapshots;

/// <summary>When a replica fetches a snapshot, and when it ceases to.</summary>
public sealed class SnapshotReceiverTests : IDisposable
{
    private static readonly NodeId Self = new(5);
    private static readonly NodeId Source = new(2);

    private readonly TemporaryDirectory _temporary = new();
    private readonly ManualClock _clock = new();
    private readonly SentMessages _transport = new();
    private readonly List<string> _told = [];
    private readonly SnapshotReceiver _receiver;
    private Slot _chosen;

    public SnapshotReceiverTests() => _receiver = new SnapshotReceiver(
        Self,
        () => _chosen,
        _transport,
        new SnapshotPlace(
            SystemFiles.Instance,
            new SnapshotPaths(_temporary.Sub("node")),
            "test",
            _ => throw new NotSupportedException("nothing is served here"),
            () => Assert.Fail("no snapshot was complete"),
            _told.Add),
        new ManualRuntime(_clock),
        new SnapshotOptions());

    public void Dispose()
    {
        _receiver.Dispose();
        _temporary.Dispose();
    }

    /// <summary>
    /// Simulated seed 80022290: a replica that had caught up went on to ask for a snapshot, of a slot above its own,
    /// which rises. The source began anew for each request, and dropped what it served to another.
    /// </summary>
    [Fact]
    public void Execute_replica_that_the_log_brought_to_where_a_peer_begins_asks_no_more()
    {
        _receiver.Need(new SnapshotNeed(Source, new Slot(105)));
        _receiver.Run();
        Assert.Equal(Slot.Zero, Assert.IsType<SnapshotRequest>(Assert.Single(_transport.Messages)).Above);
        Prepares();

        // Below the log of the peer it still needs one.
        _chosen = new Slot(103);
        Assert.Equal(new Slot(103), Assert.Single(NextRequests()).Above);
        Prepares();

        _chosen = new Slot(104);
        Assert.Empty(NextRequests());
        Assert.Null(_receiver.Progress);
        Assert.Contains("discarded", _told[^1], StringComparison.Ordinal);

        // It may fall behind again.
        _receiver.Need(new SnapshotNeed(Source, new Slot(200)));
        Assert.Equal(new Slot(104), Assert.Single(NextRequests()).Above);
    }

    [Fact]
    public void Execute_rebuild_asks_on_whatever_the_log_brings()
    {
        _receiver.Rebuild(Source, new Slot(50));
        _receiver.Run();
        Prepares();
        _chosen = new Slot(104);

        Assert.Equal(new Slot(49), Assert.Single(NextRequests()).Above);
    }

    private void Prepares() => _receiver.Receive(new SnapshotReply(
        Source, Self, SnapshotAnswer.Preparing, 0, -1, 0, 0, ReadOnlyMemory<byte>.Empty));

    private List<SnapshotRequest> NextRequests()
    {
        _transport.Messages.Clear();
        _clock.NowUs += 5_000_000;
        _receiver.Run(RunReason.TimedOut);
        return [.. _transport.Messages.Cast<SnapshotRequest>()];
    }
}

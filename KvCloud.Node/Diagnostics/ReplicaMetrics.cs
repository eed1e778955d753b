using System.Diagnostics.Metrics;
using KvCloud.Consensus;
using KvCloud.Node.Cluster;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Scrubbing;
using KvCloud.Node.Telemetry;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Diagnostics;

/// <summary>Gauges of this replica and of its links, read from published state when they are collected.</summary>
internal sealed class ReplicaMetrics
{
    public ReplicaMetrics(IMeterFactory meters, ClusterFeeds feeds, ClusterManager cluster)
    {
        Meter meter = meters.Create(MeterNames.Node);
        AddReplica(meter, feeds.Status, cluster);
        AddDisk(meter, feeds.Disk);
        AddLinks(meter, feeds.Links);
        AddScrub(meter, feeds);
    }

    private static void AddScrub(Meter meter, ClusterFeeds feeds)
    {
        meter.CreateObservableGauge(
            MeterNames.DataState, () => (int)feeds.Status().Data, null,
            "The data store: 0 sound, 1 damaged, 2 being replaced.");
        meter.CreateObservableCounter(
            MeterNames.ScrubRead, () => feeds.Scrub()?.TotalReadBytes ?? 0, "By",
            "Bytes of log and data read again to find damage.");
        meter.CreateObservableGauge(
            MeterNames.ScrubProgress, () => ShareOf(feeds.Scrub()), "1",
            "Share of the round under way that is done; 0 between rounds.");
        meter.CreateObservableCounter(
            MeterNames.ScrubRounds, () => feeds.Scrub()?.Rounds ?? 0, "{round}", "Complete rounds of the scrub.");
        meter.CreateObservableGauge(
            MeterNames.ScrubLastRound, () => LastRoundOf(feeds.Scrub()), "s",
            "When the last complete round ended, in seconds since 1970; none before the first.");
        meter.CreateObservableGauge(
            MeterNames.ScrubUnchecked, () => feeds.Scrub()?.UncheckedFiles ?? 0, "{file}",
            "Files of the data store of which no checksum is known.");
    }

    private static double ShareOf(ScrubProgress? scrub) =>
        scrub is { IsUnderWay: true } ? Math.Min(1, scrub.DoneBytes / (double)Math.Max(1, scrub.TotalBytes)) : 0;

    private static IEnumerable<Measurement<double>> LastRoundOf(ScrubProgress? scrub) =>
        scrub?.LastRoundUnixMs is long endedMs ? [new Measurement<double>(endedMs / 1_000.0)] : [];

    private static void AddDisk(Meter meter, Func<DiskFigures> disk)
    {
        meter.CreateObservableGauge(
            MeterNames.DiskFree, () => FreeBytesOf(disk()), "By", "Free space on the volume of the data directory.");
        meter.CreateObservableGauge(
            MeterNames.DiskSpace, () => (int)disk().Space, null, "Free space: 0 ample, 1 low, 2 exhausted.");
        meter.CreateObservableGauge(
            MeterNames.DiskLogWrite, () => disk().LogWriteMs / 1_000.0, "s",
            "How long the log write in progress has been going on; 0 for none.");
        meter.CreateObservableGauge(
            MeterNames.DiskSlow, () => disk().IsSlow ? 1 : 0, null,
            "Whether a log write has exceeded log_stall_ms lately: 1 or 0.");
    }

    private static IEnumerable<Measurement<long>> FreeBytesOf(DiskFigures figures) =>
        figures.FreeBytes == long.MaxValue ? [] : [new Measurement<long>(figures.FreeBytes)];

    private static void AddReplica(Meter meter, Func<ReplicaStatus> status, ClusterManager cluster)
    {
        meter.CreateObservableGauge(
            MeterNames.Role, () => (int)status().Role, null,
            "Role of this replica: 0 follower, 1 pre-candidate, 2 candidate, 3 leader.");
        meter.CreateObservableGauge(
            MeterNames.BallotRound, () => status().Ballot.Round, "{round}", "Round of the ballot this replica is in.");
        meter.CreateObservableGauge(
            MeterNames.AppliedSlot, () => status().AppliedSlot.Value, "{slot}", "Last slot applied to the store.");
        meter.CreateObservableGauge(
            MeterNames.ChosenSlot, () => status().ChosenSlot.Value, "{slot}", "Last slot known to be chosen.");
        meter.CreateObservableGauge(
            MeterNames.AppliedVersion, () => status().AppliedVersion, "{version}", "Newest commit version applied.");
        meter.CreateObservableGauge(
            MeterNames.LagSlots, () => cluster.LagSlots, "{slot}", "Slots known to be chosen and not applied here.");
        meter.CreateObservableGauge(
            MeterNames.Leader, () => status().Leader is { } leader ? leader.Value : -1, null,
            "Node id of the leader; -1 when none is known.");
        meter.CreateObservableGauge(
            MeterNames.FeatureLevel, () => status().FeatureLevel, null,
            "The group's feature level as of what this replica has applied.");
        meter.CreateObservableGauge(
            MeterNames.Uptime, () => cluster.UptimeSeconds, "s", "Time since this replica started.");
        meter.CreateObservableGauge(
            MeterNames.ClusterDiverged, () => cluster.HasDiverged ? 1 : 0, null,
            "Whether the state or the stored rows of this replica differ from a peer's: 1 or 0.");
    }

    private static void AddLinks(Meter meter, Func<IReadOnlyList<PeerLink>> links)
    {
        meter.CreateObservableGauge(
            MeterNames.PeerConnected, () => OfEach(links(), link => link.IsConnected ? 1 : 0), null,
            "Whether messages can be sent to the peer: 1 or 0.");
        meter.CreateObservableGauge(
            MeterNames.PeerWireVersion, () => OfEach(links(), link => link.WireVersion), null,
            "Version of the frames to the peer; 0 without a connection.");
        meter.CreateObservableCounter(
            MeterNames.PeerSent, () => OfEach(links(), link => link.SentBytes), "By", "Bytes sent to the peer.");
        meter.CreateObservableCounter(
            MeterNames.PeerReceived, () => OfEach(links(), link => link.ReceivedBytes), "By",
            "Bytes received from the peer.");
        meter.CreateObservableCounter(
            MeterNames.PeerSentMessages, () => OfEach(links(), link => link.SentMessages), "{message}",
            "Messages sent to the peer.");
        meter.CreateObservableCounter(
            MeterNames.PeerReceivedMessages, () => OfEach(links(), link => link.ReceivedMessages), "{message}",
            "Messages received from the peer.");
        meter.CreateObservableCounter(
            MeterNames.PeerReconnects, () => OfEach(links(), link => link.Reconnects), "{connection}",
            "Connections made to the peer after the first.");
        meter.CreateObservableCounter(
            MeterNames.PeerDropped, () => OfEach(links(), link => link.DroppedMessages), "{message}",
            "Messages for the peer that were dropped because it was disconnected or too slow.");
    }

    private static IEnumerable<Measurement<long>> OfEach(IReadOnlyList<PeerLink> links, Func<PeerLink, long> value) =>
        links.Select(link => new Measurement<long>(
            value(link), new KeyValuePair<string, object?>("peer", link.Peer.Value)));
}

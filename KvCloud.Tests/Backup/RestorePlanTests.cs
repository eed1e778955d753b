using KvCloud.Backup;
using KvCloud.Backup.Catalog;
using KvCloud.Backup.Format;

namespace KvCloud.Tests.Backup;

public sealed class RestorePlanTests
{
    private static readonly string Hash = new('a', ContentHash.Digits);

    [Fact]
    public void After_segments_of_two_writers_takes_those_that_reach_farthest()
    {
        LogSegmentName[] log = [Segment(11, 20), Segment(11, 30), Segment(21, 40), Segment(31, 35), Segment(42, 50)];

        Assert.Equal([(11L, 30L), (21L, 40L)], LogChain.After(log, 10).Select(s => (s.FirstSlot, s.LastSlot)));
        Assert.Equal([(42L, 50L)], LogChain.After(log, 41).Select(s => (s.FirstSlot, s.LastSlot)));
        Assert.Empty(LogChain.After(log, 9));
    }

    [Fact]
    public void For_a_version_takes_no_segment_as_its_end_of_which_only_a_bound_is_known()
    {
        // The replica was at slot 30 when it gave slots 11 to 20: 300 is no version that these reach.
        ArchiveCatalog catalog = Catalog(
            [10], Segment(11, 20) with { Version = 0, VersionBound = 300 }, Segment(21, 30));

        Assert.Equal(2, RestorePlan.For(catalog, RestoreTarget.AtVersion(150)).Log.Count);
        Assert.Equal(2, RestorePlan.For(catalog, RestoreTarget.AtVersion(250)).Log.Count);
    }

    [Fact]
    public void Ranges_end_where_versions_are_known_to_be_all_there()
    {
        ArchiveCatalog catalog = Catalog(
            [10], Segment(11, 20), Segment(21, 30) with { Version = 0, VersionBound = 900 });

        RestorableRange range = Assert.Single(catalog.Ranges);
        Assert.Equal((30, 200), (range.To.Slot, range.To.Version));
        Assert.Throws<ArchiveException>(() => RestorePlan.For(catalog, RestoreTarget.AtVersion(201)));
    }

    /// <summary>
    /// Of the log of a backup only a bound of its versions may be known; the snapshot of the next one tells more.
    /// </summary>
    [Fact]
    public void Ranges_reach_the_version_of_a_snapshot_inside_of_them()
    {
        ArchiveCatalog catalog = Catalog([10, 25], Segment(11, 30) with { Version = 0, VersionBound = 900 });

        RestorableRange range = Assert.Single(catalog.Ranges);
        Assert.Equal((30, 250), (range.To.Slot, range.To.Version));
        var plan = RestorePlan.For(catalog, RestoreTarget.AtVersion(249));
        Assert.Equal(10, plan.Snapshot.Manifest.Slot);
        Assert.Equal(30, Assert.Single(plan.Log).LastSlot);
        Assert.Throws<ArchiveException>(() => RestorePlan.For(catalog, RestoreTarget.AtVersion(251)));
    }

    [Fact]
    public void For_a_moment_begins_at_the_last_snapshot_before_it()
    {
        ArchiveCatalog catalog = Catalog([10, 20, 30], Segment(11, 20), Segment(21, 30), Segment(31, 40));

        var plan = RestorePlan.For(catalog, RestoreTarget.AtSlot(25));
        Assert.Equal(20, plan.Snapshot.Manifest.Slot);
        Assert.Equal(30, Assert.Single(plan.Log).LastSlot);
        Assert.Equal(30, RestorePlan.For(catalog, RestoreTarget.Latest).Snapshot.Manifest.Slot);
        Assert.Equal(40, Assert.Single(RestorePlan.For(catalog, RestoreTarget.Latest).Log).LastSlot);
    }

    [Fact]
    public void For_a_time_takes_the_segment_behind_it_too_where_one_may_hold_more_of_that_moment()
    {
        ArchiveCatalog catalog = Catalog([10], Segment(11, 20), Segment(21, 30) with { FirstUnixMs = 20_000 });

        Assert.Equal(2, RestorePlan.For(catalog, AtMs(20_000)).Log.Count);
        Assert.Single(RestorePlan.For(catalog, AtMs(19_999)).Log);
        Assert.Throws<ArchiveException>(() => RestorePlan.For(catalog, AtMs(30_001)));
        Assert.Throws<ArchiveException>(() => RestorePlan.For(catalog, AtMs(9_999)));
    }

    [Fact]
    public void For_any_moment_begins_versions_above_all_that_the_archive_knows_of()
    {
        ArchiveCatalog catalog = Catalog(
            [10], Segment(11, 20), Segment(21, 30) with { VersionBound = RestorePlan.VersionStep + 1 });

        Assert.Equal(3 * RestorePlan.VersionStep, RestorePlan.For(catalog, RestoreTarget.AtSlot(12)).FirstVersion);
    }

    [Fact]
    public void For_an_archive_without_a_whole_snapshot_says_that_nothing_can_be_restored()
    {
        ArchiveCatalog whole = Catalog([10], Segment(11, 20));
        ArchiveCatalog catalog = whole with
        {
            Snapshots = [whole.Snapshots[0] with { MissingFiles = ["files/gone"] }],
        };

        ArchiveException refused = Assert.Throws<ArchiveException>(
            () => RestorePlan.For(catalog, RestoreTarget.Latest));
        Assert.Contains("no complete snapshot", refused.Message, StringComparison.Ordinal);
    }

    private static RestoreTarget AtMs(long unixMs) =>
        RestoreTarget.AtTime(DateTimeOffset.FromUnixTimeMilliseconds(unixMs));

    private static LogSegmentName Segment(long first, long last) =>
        new(first, last, first * 1000, last * 1000, last * 10, last * 10, Hash, 100);

    private static ArchiveCatalog Catalog(long[] snapshots, params LogSegmentName[] log) => new(
        new ArchiveMarker(1, "cluster-a", default),
        [
            .. snapshots.Select(slot => new ArchivedSnapshot(
                $"snapshots/{slot}",
                default,
                new SnapshotManifest(
                    1, "cluster-a", 1, slot, slot * 10, slot * 1000, default, [new ArchivedFile("a.sst", 1, Hash)]),
                [])),
        ],
        log,
        new Dictionary<string, KvCloud.Backup.Stores.StoredObject>(),
        [],
        []);
}

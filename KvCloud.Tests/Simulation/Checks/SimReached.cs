using System.Globalization;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// What a seed, or many, have brought about: a run that reaches none of something proves nothing about it.
/// </summary>
internal sealed record SimReached
{
    public long Elections { get; set; }

    public long LeaseReads { get; set; }

    public long ReadIndexReads { get; set; }

    public long LocalReads { get; set; }

    public long Forwards { get; set; }

    public long CatchUps { get; set; }

    public long Trims { get; set; }

    public long Recoveries { get; set; }

    public long PowerCuts { get; set; }

    /// <summary>Calls that were told that their time is over, with nothing done.</summary>
    public long ExpiredCalls { get; set; }

    /// <summary>Leaders whose disk stalled until another had to lead.</summary>
    public long StalledLeaders { get; set; }

    /// <summary>Writes that a leader refused because its disk was short of space.</summary>
    public long SpaceRefusals { get; set; }

    public long UnknownOutcomes { get; set; }

    /// <summary>Calls of a client that had others on their way.</summary>
    public long PipelinedCalls { get; set; }

    /// <summary>Slots with writes of several sessions.</summary>
    public long SharedSlots { get; set; }

    /// <summary>Followers that came back more than a thousand slots behind.</summary>
    public long LongCatchUps { get; set; }

    /// <summary>Writes of sessions that were forgotten, or had forgotten the answer.</summary>
    public long ExpiredSessions { get; set; }

    /// <summary>Writes of users without the right to.</summary>
    public long DeniedWrites { get; set; }

    /// <summary>Users that came, and rights that they got or lost.</summary>
    public long ChangedRights { get; set; }

    /// <summary>Reads at a version that had left the window.</summary>
    public long TooOldReads { get; set; }

    /// <summary>Commits of what was read at a version that had left the window.</summary>
    public long TooOldCommits { get; set; }

    /// <summary>Slots that changed the members.</summary>
    public long MemberChanges { get; set; }

    /// <summary>Of these, those after which two sets of voters counted.</summary>
    public long JointGroups { get; set; }

    /// <summary>Times that another led because somebody wanted it to.</summary>
    public long Transfers { get; set; }

    /// <summary>Groups that changed their members until too few voters were left that are not lost.</summary>
    public long LostQuorums { get; set; }

    /// <summary>Voters and learners lost in groups that change their members.</summary>
    public long LostMembers { get; set; }

    /// <summary>Idle groups in which all that was superseded left the window.</summary>
    public long EndedWindows { get; set; }

    /// <summary>State hashes that a replica got from another.</summary>
    public long ComparedHashes { get; set; }

    /// <summary>Replicas that stopped because of their disk.</summary>
    public long Failures { get; set; }

    /// <summary>Damaged replicas that refused to start.</summary>
    public long Refusals { get; set; }

    /// <summary>Groups whose feature level rose, while there was trouble or after.</summary>
    public long LevelRises { get; set; }

    /// <summary>Nodes that got this release, or lost a setting that held the group back.</summary>
    public long Upgrades { get; set; }

    /// <summary>Nodes that got the release before.</summary>
    public long Downgrades { get; set; }

    public long SnapshotsMade { get; set; }

    public long SnapshotsInstalled { get; set; }

    /// <summary>Files of a snapshot that were there already, of an earlier attempt or life.</summary>
    public long SnapshotFilesKept { get; set; }

    /// <summary>Snapshots that were given up, their replica having caught up without.</summary>
    public long SnapshotsDiscarded { get; set; }

    /// <summary>Bits of logs that turned around while their replica ran.</summary>
    public long LogFlips { get; set; }

    /// <summary>Replicas that stopped, or did not start, because of one.</summary>
    public long LogFlipsFound { get; set; }

    /// <summary>Blocks of data that went bad.</summary>
    public long Rots { get; set; }

    /// <summary>Data stores that were found to be damaged and closed.</summary>
    public long DamagesFound { get; set; }

    /// <summary>Reads that were refused because the data are damaged.</summary>
    public long DamagedReads { get; set; }

    /// <summary>Data that were made anew.</summary>
    public long Rebuilds { get; set; }

    /// <summary>Starts without data, which wait for others'.</summary>
    public long StartsWithoutData { get; set; }

    /// <summary>Complete rounds of scrubs.</summary>
    public long ScrubRounds { get; set; }

    /// <summary>Hashes of stored rows that a replica got from another.</summary>
    public long ComparedRows { get; set; }

    /// <summary>Backups that were restored in the end.</summary>
    public long Restores { get; set; }

    /// <summary>Groups made of a backup that lived on.</summary>
    public long RestoredGroups { get; set; }

    /// <summary>Groups made of what was left of one that lost its quorum, and lived on.</summary>
    public long RecoveredGroups { get; set; }

    /// <summary>Those of them whose members had changed before.</summary>
    public long RecoveredChangedGroups { get; set; }

    /// <summary>Slots chosen by a majority that took them with it when it was lost.</summary>
    public long LostSlots { get; set; }

    /// <summary>Slots above what survivors knew as chosen that a recovery decided.</summary>
    public long DecidedSlots { get; set; }

    /// <summary>Slots chosen by groups that were made of others.</summary>
    public long SlotsOfNewGroups { get; set; }

    /// <summary>Pieces of snapshots with a wrong bit.</summary>
    public long SnapshotFlips { get; set; }

    private static readonly System.Reflection.PropertyInfo[] Counts =
        [.. typeof(SimReached).GetProperties().Where(property => property.PropertyType == typeof(long))];

    public void Add(SimReached other)
    {
        foreach (System.Reflection.PropertyInfo count in Counts)
        {
            count.SetValue(this, (long)count.GetValue(this)! + (long)count.GetValue(other)!);
        }
    }

    public override string ToString() => string.Join(
        ", ", Counts.Select(
            count => string.Create(CultureInfo.InvariantCulture, $"{count.Name} {count.GetValue(this)}")));
}

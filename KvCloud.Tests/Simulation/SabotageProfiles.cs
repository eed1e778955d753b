using KvCloud.Consensus;

namespace KvCloud.Tests.Simulation;

/// <summary>What world a sabotage needs in order to do its harm soon.</summary>
internal static class SabotageProfiles
{
    /// <summary>Some faults need the right kind of trouble to show; the seed still decides when and where.</summary>
    public static SimProfile Favour(this Sabotage sabotage, SimProfile profile) => sabotage switch
    {
        Sabotage.None => profile,
        Sabotage.SyncsNothing => WithSoundDisks(profile) with
        {
            Nodes = 3,
            CrashEveryMs = 300,
            PowerCutPerMille = 1_000,
        },
        Sabotage.DiskIsOfAnOlderDay or Sabotage.DiskIsWiped or Sabotage.LogLosesPromises => WithSoundDisks(profile) with
        {
            Nodes = 3,
            CrashEveryMs = 300,
        },

        // Two that decide, one of them wiped, the other down, and the third starts only now.
        Sabotage.VotesBeforeFormed => WithSoundDisks(profile) with
        {
            Nodes = 3,
            LateNodes = 1,
            WipeEveryMs = 1_000,
            CrashEveryMs = 300,
        },

        Sabotage.SnapshotsAreFlipped or Sabotage.SnapshotsAreGone =>
            WithSoundDisks(profile).WithShortLogs(new DeterministicRandom((ulong)profile.FaultyUs)) with
            {
                SnapshotFlipPerMille = 0,
            },

        Sabotage.LeaseClockStopsInSuspension => WithSoundDisks(profile) with
        {
            Nodes = 3,
            PauseEveryMs = 300,
        },
        Sabotage.CountsStalePromises or Sabotage.PromisesHideBallots => WithSoundDisks(profile) with
        {
            Nodes = 5,
            PartitionEveryMs = 150,
            CrashEveryMs = 0,
        },

        // A node that replaces its lost entries on a slow disk is asked by one whom the leader does not answer.
        Sabotage.CatchUpReadsAheadOfLog => WithSoundDisks(profile) with
        {
            Nodes = 5,
            Clients = 6,
            ThinkMaxMs = 10,
            LossPerMille = 200,
            MaxDelayUs = 2_000,
            HeldUpPerMille = 0,
            FaultyUs = 10 * SimProfile.Second,
            PartitionEveryMs = 300,
            CrashEveryMs = 0,
            PauseEveryMs = 0,
            BreakEveryMs = 0,
            CorruptEveryMs = 0,
            DiskTroubleEveryMs = 60,
            MaxInFlightSlots = 256,
            MaxBatchCommands = 1,
            FlushBytes = 64 * 1024,
        },

        // Data that was flushed while the leader's log still waited for its disk, and a crash then.
        Sabotage.RestoresFromData => WithSoundDisks(profile) with
        {
            Nodes = 3,
            ThinkMaxMs = 10,
            CrashEveryMs = 150,
            DiskTroubleEveryMs = 60,
            FlushBytes = 200,
            TrimIntervalMs = 100,
        },
        Sabotage.LocalReadsWithoutFreshness => WithSoundDisks(profile) with
        {
            Nodes = 3,
            PartitionEveryMs = 300,
            MaxStalenessMs = 100,
        },
        Sabotage.DamagedStoreServes => WithSoundDisks(profile) with { Nodes = 3, RotEveryMs = 300, Keys = 4 },
        Sabotage.StoreDropsRow => WithSoundDisks(profile) with
        {
            Nodes = 3,
            Keys = 5,
            HashEverySlots = 4,
            RowDroppedAfterMs = 1_500,
        },

        // Who was cut off asks for what the leader has only in its log any more.
        Sabotage.LogServesDamage => WithSoundDisks(profile) with
        {
            Nodes = 3,
            FlipEveryMs = 100,
            ScrubEveryMs = 60_000,
            PartitionEveryMs = 300,
            CrashEveryMs = 0,
            FlushBytes = 64 * 1024,
            LogRetentionBytes = int.MaxValue,
        },
        Sabotage.RecoveryTakesWhoIsBehind => WithSoundDisks(profile) with
        {
            Nodes = 5,
            PartitionEveryMs = 150,
            AbsentForSlots = 0,
        },
        Sabotage.StalledLeaderStays => WithSoundDisks(profile).WithStalledLeader(new DeterministicRandom(1)),
        Sabotage.PromisesHideMembers => WithSoundDisks(profile) with
        {
            Nodes = 3,
            Joiners = 4,
            ChangeEveryMs = 50,
            StallsLeaderDisk = false,
            PartitionEveryMs = 300,
            CrashEveryMs = 600,
        },
        Sabotage.FeatureLevelsAreOverstated => WithSoundDisks(profile) with
        {
            Nodes = 3,
            UpgradeEveryMs = 300,
            HoldMs = 5_000,
            FeatureLevelDelayMs = 0,
        },
        _ => WithSoundDisks(profile),
    };

    /// <summary>
    /// Nothing is lost for good and nobody refuses to start: what is found then comes of the sabotage.
    /// </summary>
    private static SimProfile WithSoundDisks(SimProfile profile) => profile with
    {
        DamageEveryMs = 0,
        FlipEveryMs = 0,
        RotEveryMs = 0,
        DiskFaultEveryMs = 0,
        LostNodes = 0,
        LateNodes = 0,
        WipeEveryMs = 0,
        Joiners = 0,
        ChangeEveryMs = 0,
        UpgradeEveryMs = 0,
        StallsLeaderDisk = false,
    };
}

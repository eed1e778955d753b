using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Scrubbing;
using KvCloud.Node.Replication.Snapshots;
using KvCloud.Node.State;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// What one seed lets happen, and how often. Every seed draws its own mixture (swarm testing: a run in which everything
/// happens at once hides what only shows when some things do not). Times are microseconds of the world's clock.
/// </summary>
internal sealed record SimProfile
{
    public const long Millisecond = 1_000;
    public const long Second = 1_000_000;

    public SimWorkload Workload { get; init; }

    public int Nodes { get; init; } = 3;

    /// <summary>So many nodes more, which begin as no members.</summary>
    public int Joiners { get; init; }

    /// <summary>Somebody changes the members, or who leads.</summary>
    public int ChangeEveryMs { get; init; }

    public int AllNodes => Nodes + Joiners;

    /// <summary>Somebody installs another release on a node; 0 for never, all being of this one.</summary>
    public int UpgradeEveryMs { get; init; }

    /// <summary>For how long a setting holds the feature level back, and releases are taken back.</summary>
    public int HoldMs { get; init; }

    /// <summary>How long all must have been able to follow before the feature level rises.</summary>
    public int FeatureLevelDelayMs { get; init; } = 300;

    public int Clients { get; init; } = 4;

    /// <summary>One more client with so many calls on their way at once, in the place of other clients.</summary>
    public int PipelinedCalls { get; init; }

    public int Keys { get; init; } = 4;

    /// <summary>Some writes are those of users, whose rights change meanwhile.</summary>
    public bool HasUsers { get; init; }

    public long FaultyUs { get; init; } = 6 * Second;

    public int ThinkMaxMs { get; init; } = 60;

    /// <summary>Most calls have a fifth of this as their deadline, up to a fifth more than all of it.</summary>
    public int TimeoutMaxMs { get; init; } = 1_000;

    /// <summary>How long after its deadline a call is given up that nobody answered.</summary>
    public int AnswerMaxMs { get; init; } = 200;

    public int LossPerMille { get; init; }

    public int DuplicatePerMille { get; init; }

    public int MaxDelayUs { get; init; } = 2_000;

    /// <summary>How often a message is held up for long: what overtakes it comes in another order.</summary>
    public int HeldUpPerMille { get; init; }

    public int HeldUpMaxMs { get; init; } = 400;

    /// <summary>How often a message enters its connection later than those sent after it.</summary>
    public int ReorderPerMille { get; init; }

    /// <summary>How often what is sent at once is cut into segments, each late by a time of its own.</summary>
    public int SplitPerMille { get; init; }

    /// <summary>How often an attempt to connect fails for no reason.</summary>
    public int ConnectFailPerMille { get; init; }

    /// <summary>What one direction of a connection holds that was not read and acknowledged yet.</summary>
    public int SendBufferBytes { get; init; } = 64 * 1024;

    /// <summary>A connection breaks.</summary>
    public int BreakEveryMs { get; init; }

    /// <summary>Bytes of a connection are changed or left out.</summary>
    public int CorruptEveryMs { get; init; }

    /// <summary>Clocks run between 1 - this and 1 + this, in thousandths.</summary>
    public int DriftPerMille { get; init; }

    public int PartitionEveryMs { get; init; }

    public int CrashEveryMs { get; init; }

    /// <summary>Of the crashes, in thousandths: those that take what the disk had not synced.</summary>
    public int PowerCutPerMille { get; init; } = 300;

    public int PauseEveryMs { get; init; }

    /// <summary>Wall clocks jump, and lie apart by up to this much.</summary>
    public int WallClockJumpMaxMs { get; init; }

    public int WallClockJumpEveryMs { get; init; }

    /// <summary>Disks that are slow, stall, or are full for a while.</summary>
    public int DiskTroubleEveryMs { get; init; }

    /// <summary>A log write that takes longer makes a leader stop leading.</summary>
    public int StallLimitMs { get; init; } = 2_000;

    /// <summary>The leader's disk stalls for longer than a group may be held up by it.</summary>
    public bool StallsLeaderDisk { get; init; }

    public SpaceOptions Space { get; init; } = SpaceOptions.Off;

    /// <summary>Disks have little space left, for a while.</summary>
    public int SpaceEveryMs { get; init; }

    /// <summary>Calls of a disk that fail: reads, writes, syncs, and opening a file.</summary>
    public int DiskFaultEveryMs { get; init; }

    /// <summary>
    /// A disk is damaged, or what is on it lost, while its node is down. A minority of nodes at most, and for good.
    /// </summary>
    public int DamageEveryMs { get; init; }

    /// <summary>Data of a node that is up rot, or an operator wants them made anew. One node at a time.</summary>
    public int RotEveryMs { get; init; }

    /// <summary>A bit of a node's log turns around while it is up. A minority of nodes at most, and for good.</summary>
    public int FlipEveryMs { get; init; }

    /// <summary>A row of a node's data is gone that no checksum misses: so long after the start, 0 for never.</summary>
    public int RowDroppedAfterMs { get; init; }

    /// <summary>How often each replica reads again what it has on disk.</summary>
    public int ScrubEveryMs { get; init; } = 2_000;

    /// <summary>A node goes down and does not come back: so many at most.</summary>
    public int LostNodes { get; init; }

    /// <summary>A follower is away until so many slots were chosen without it; 0 for none.</summary>
    public int AbsentForSlots { get; init; }

    /// <summary>So many nodes start for the first time much later than the others; not all.</summary>
    public int LateNodes { get; init; }

    /// <summary>A node loses its whole disk and comes back without it: once at most.</summary>
    public int WipeEveryMs { get; init; }

    /// <summary>A synced write of a healthy disk takes up to this much.</summary>
    public int SyncMaxUs { get; init; } = 1_100;

    public int ApplyMaxMs { get; init; } = 2;

    /// <summary>Replicas compare their states at each of so many slots.</summary>
    public int HashEverySlots { get; init; } = 256;

    /// <summary>Whole pages of 4096 bytes, two at least: small ones are often full.</summary>
    public int SegmentSizeBytes { get; init; } = 16 * 1024;

    public bool ForwardsWrites { get; init; }

    public int MaxStalenessMs { get; init; } = 1_000;

    public int MaxBatchCommands { get; init; } = 1_024;

    public int MaxBatchBytes { get; init; } = 1024 * 1024;

    public int MaxQueuedWrites { get; init; } = 65_536;

    public int MaxUnappliedBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>Bytes applied before the data store is flushed: few, so that the log is trimmed often.</summary>
    public int FlushBytes { get; init; } = 4 * 1024;

    public int TrimIntervalMs { get; init; } = 300;

    /// <summary>Sent at a time to a node that is behind.</summary>
    public int CatchUpChunkBytes { get; init; } = 128 * 1024;

    /// <summary>Of the log, for who is behind: so few that some fall below it.</summary>
    public int LogRetentionBytes { get; init; } = int.MaxValue;

    public int IdleFlushMs { get; init; } = 3_000;

    public int SnapshotChunkBytes { get; init; } = 2_000;

    public int SnapshotChunksInFlight { get; init; } = 4;

    public int SnapshotBytesPerSecond { get; init; } = 64 * 1024 * 1024;

    /// <summary>How often a piece of a snapshot is read wrong where it is sent.</summary>
    public int SnapshotFlipPerMille { get; init; }

    public int MaxInFlightSlots { get; init; } = 256;

    public int MaxInFlightBytes { get; init; } = 8 * 1024 * 1024;

    public int MaxUnchosenBytes { get; init; } = 24 * 1024 * 1024;

    /// <summary>For how long versions stay readable at the even nodes; each leader logs its own.</summary>
    public MvccRetention Retention { get; init; } = MvccRetention.Default;

    public MvccRetention RetentionOfOddNodes { get; init; } = MvccRetention.Default;

    /// <summary>So few that sessions are forgotten, and answers while their session lasts.</summary>
    public SessionLimits SessionLimits { get; init; } = SessionLimits.Default;

    /// <summary>The limits of disks are drawn apart, so that a seed without them lives as it did before.</summary>
    private const ulong DiskSeed = 0xD15C_5EED;
    private const ulong ReleaseSeed = 0x4E1E_A5E5;

    /// <summary>What a seed lives with.</summary>
    public static SimProfile Of(DeterministicRandom random, ulong seed, SimOptions options)
    {
        SimProfile profile = options.Sabotage.Favour(
            Draw(random)
                .WithDisks(new DeterministicRandom(seed ^ DiskSeed))
                .WithReleases(new DeterministicRandom(seed ^ ReleaseSeed)));
        if (options.Lag > 0)
        {
            profile = profile.WithLongAbsence(random, options.Lag);
        }

        profile = profile with { Workload = options.Workload ?? profile.Workload };
        if (profile.Workload != SimWorkload.Registers)
        {
            // A transaction has many steps: a client that thinks long before each gets little done.
            // And it counts what it was told: for that its session must last.
            return profile with
            {
                ThinkMaxMs = Math.Max(1, profile.ThinkMaxMs / 4),
                SessionLimits = SessionLimits.Default,
            };
        }

        return profile.PipelinedCalls > 0 ? profile with { Clients = Math.Min(profile.Clients, 3) } : profile;
    }

    public static SimProfile Draw(DeterministicRandom random)
    {
        bool hasSmallWindow = random.Chance(300);
        bool hasSmallBatches = random.Chance(300);
        MvccRetention retention = random.Chance(300) ? ShortRetention(random) : MvccRetention.Default;
        var profile = new SimProfile
        {
            Nodes = Pick(random, 1, 3, 3, 3, 3, 3, 5, 5, 5, 7),
            Clients = Pick(random, 2, 3, 4, 5, 6, 24),
            PipelinedCalls = random.Chance(300) ? 2 + random.Next(15) : 0,
            Keys = 1 + random.Next(5),
            FaultyUs = (3 + random.Next(5)) * Second,
            ThinkMaxMs = Pick(random, 10, 40, 120),
            LossPerMille = Pick(random, 0, 0, 10, 50, 200),
            DuplicatePerMille = Pick(random, 0, 0, 20, 100),
            ReorderPerMille = Pick(random, 0, 0, 20, 100),
            SplitPerMille = Pick(random, 0, 20, 200),
            ConnectFailPerMille = Pick(random, 0, 0, 100, 400),
            SendBufferBytes = Pick(random, 2, 64, 64, 1_024) * 1_024,
            BreakEveryMs = Pick(random, 0, 0, 200, 1_000),
            CorruptEveryMs = Pick(random, 0, 0, 300, 1_500),
            MaxDelayUs = Pick(random, 500, 2_000, 10_000, 30_000),
            HeldUpPerMille = Pick(random, 0, 0, 5, 40),
            HeldUpMaxMs = Pick(random, 100, 500, 2_000),
            DriftPerMille = Pick(random, 0, 20, 80),
            PartitionEveryMs = Pick(random, 0, 0, 150, 400, 1_000),
            CrashEveryMs = Pick(random, 0, 0, 200, 600, 1_500),
            PowerCutPerMille = Pick(random, 0, 300, 1_000),
            PauseEveryMs = Pick(random, 0, 0, 300, 1_000),
            WallClockJumpMaxMs = Pick(random, 0, 500, 10_000),
            WallClockJumpEveryMs = Pick(random, 0, 300, 2_000),
            DiskTroubleEveryMs = Pick(random, 0, 0, 300, 1_000),
            DiskFaultEveryMs = Pick(random, 0, 0, 0, 400, 1_500),
            DamageEveryMs = Pick(random, 0, 0, 0, 500, 2_000),
            LostNodes = Pick(random, 0, 0, 0, 1, 3),
            SyncMaxUs = Pick(random, 300, 1_100, 1_100, 8_000),
            ApplyMaxMs = Pick(random, 1, 3, 30),
            HashEverySlots = Pick(random, 4, 16, 256),
            SegmentSizeBytes = Pick(random, 2, 4, 16) * 4_096,
            ForwardsWrites = random.Chance(300),
            MaxStalenessMs = Pick(random, 100, 500, 2_000),
            MaxBatchCommands = hasSmallBatches ? 1 + random.Next(6) : 1_024,
            MaxBatchBytes = hasSmallBatches ? 100 + random.Next(500) : 1024 * 1024,
            MaxQueuedWrites = Pick(random, 2, 65_536, 65_536),
            FlushBytes = Pick(random, 200, 4_096, 64 * 1024),
            TrimIntervalMs = Pick(random, 100, 500, 1_000),
            CatchUpChunkBytes = Pick(random, 1, 8, 128) * 1_024,
            LogRetentionBytes = Pick(random, 0, 0, 32, 64, 1024 * 1024) * 1_024,
            IdleFlushMs = Pick(random, 200, 3_000),
            SnapshotChunkBytes = Pick(random, 300, 2_000, 20_000),
            SnapshotChunksInFlight = Pick(random, 1, 4),
            SnapshotBytesPerSecond = Pick(random, 1, 64) * 1024 * 1024,
            SnapshotFlipPerMille = Pick(random, 0, 0, 30, 200),
            MaxUnappliedBytes = Pick(random, 500, 64 * 1024 * 1024, 64 * 1024 * 1024),
            MaxInFlightSlots = hasSmallWindow ? 1 + random.Next(4) : 256,
            MaxInFlightBytes = hasSmallWindow ? 400 : 8 * 1024 * 1024,
            MaxUnchosenBytes = hasSmallWindow ? 600 : 24 * 1024 * 1024,
            Retention = retention,
            RetentionOfOddNodes = retention != MvccRetention.Default && random.Chance(300)
                ? ShortRetention(random)
                : retention,
            SessionLimits = random.Chance(250)
                ? new SessionLimits(1 + random.Next(5), 1 + random.Next(8))
                : SessionLimits.Default,
            Workload = (SimWorkload)Pick(random, 0, 0, 1, 2),
            LateNodes = Pick(random, 0, 0, 0, 0, 0, 1, 2),
            WipeEveryMs = Pick(random, 0, 0, 0, 0, 0, 500, 2_000),
        };
        if (random.Chance(120))
        {
            profile = profile.WithShortLogs(random);
        }

        if (random.Chance(6))
        {
            return profile.WithAbsence(random, 1_000 + random.Next(1_000));
        }

        // Drawn apart, so that a seed without them lives as if there were none.
        var apart = new DeterministicRandom(random.State);
        profile = apart.Chance(300) ? profile.WithChanges(apart) : profile;
        profile = apart.Chance(150) ? profile.WithRot(apart) : profile;
        profile = profile with { HasUsers = apart.Chance(400) };
        return apart.Chance(150) && profile.RotEveryMs == 0 && profile.ChangeEveryMs == 0
            ? profile with { FlipEveryMs = Pick(apart, 300, 1_500), ScrubEveryMs = Pick(apart, 500, 2_000, 10_000) }
            : profile;
    }

    /// <summary>With watched space, and limits of stalls that are often exceeded; rarely with a leader's stalled disk
    /// and no other trouble.</summary>
    public SimProfile WithDisks(DeterministicRandom random)
    {
        bool watchesSpace = random.Chance(200);
        SimProfile profile = this with
        {
            StallLimitMs = Pick(random, 150, 400, 2_000, 2_000),
            Space = watchesSpace
                ? new SpaceOptions { LowBytes = 200_000, MinBytes = 50_000, ReserveBytes = 10_000 }
                : SpaceOptions.Off,
            SpaceEveryMs = watchesSpace ? Pick(random, 100, 500) : 0,
        };
        return random.Chance(12) && AbsentForSlots == 0 ? profile.WithStalledLeader(random) : profile;
    }

    /// <summary>For <see cref="SimStall"/>.</summary>
    public SimProfile WithStalledLeader(DeterministicRandom random) => WithAbsence(random, slots: 0) with
    {
        StallsLeaderDisk = true,
        SpaceEveryMs = 0,
        RotEveryMs = 0,
        Clients = 6,
        FaultyUs = 8 * Second,
        ThinkMaxMs = 40,
        TimeoutMaxMs = 500,
    };

    /// <summary>In three of ten worlds releases live beside each other.</summary>
    public SimProfile WithReleases(DeterministicRandom random)
    {
        SimProfile profile = this with { FeatureLevelDelayMs = Pick(random, 0, 100, 300, 1_000) };
        return random.Chance(300) && !StallsLeaderDisk && AbsentForSlots == 0
            ? profile with
            {
                UpgradeEveryMs = Pick(random, 80, 250, 800),
                HoldMs = 500 + random.Next((int)(FaultyUs / Millisecond)),
            }
            : profile;
    }

    public ReplicationOptions ToReplicationOptions(NodeId node) => new()
    {
        FeatureLevelDelayMs = FeatureLevelDelayMs,
        Retention = node.Value % 2 == 0 ? Retention : RetentionOfOddNodes,
        MaxBatchCommands = MaxBatchCommands,
        MaxBatchBytes = MaxBatchBytes,
        MaxQueuedWrites = MaxQueuedWrites,
        MaxUnappliedBytes = MaxUnappliedBytes,
        MaxUnwrittenBytes = MaxUnappliedBytes,
        MaxCatchUpBytes = MaxUnappliedBytes / 8,
        FlushBytes = FlushBytes,
        TrimIntervalMs = TrimIntervalMs,
        CatchUpChunkBytes = CatchUpChunkBytes,
        HashEverySlots = HashEverySlots,
        PromoteAfterMs = 30,
        StallLimitMs = StallLimitMs,
        LogRetentionBytes = LogRetentionBytes,
        IdleFlushMs = IdleFlushMs,
        Scrub = new ScrubOptions
        {
            MaxBytesPerSecond = 64 * 1024 * 1024,
            IntervalMs = ScrubEveryMs,
            CompareEveryMs = 200,
            RetryMs = 100,
        },
        Rebuild = new RebuildOptions { PauseMs = 100, HeardWithinMs = 400 },
        Snapshots = new SnapshotOptions
        {
            ChunkBytes = SnapshotChunkBytes,
            ChunksInFlight = SnapshotChunksInFlight,
            MaxBytesPerSecond = SnapshotBytesPerSecond,
            ReserveBytes = 0,
            ResendMs = 200,
            SourceTimeoutMs = 800,
            RetryMs = 300,
            KeepMs = 3_000,
            HashRunBytes = 4 * SnapshotChunkBytes,
        },
    };

    /// <summary>Much is written and little of it kept, so that who is away for a moment is below all logs.</summary>
    public SimProfile WithShortLogs(DeterministicRandom random) => this with
    {
        Nodes = Pick(random, 3, 3, 5),
        Clients = 24,
        ThinkMaxMs = 10,
        CrashEveryMs = Pick(random, 400, 1_500),
        PartitionEveryMs = Pick(random, 0, 400),
        SegmentSizeBytes = 2 * 4_096,
        LogRetentionBytes = 0,
        FlushBytes = 200,
        TrimIntervalMs = 100,
        MaxBatchCommands = 1 + random.Next(2),
        MaxUnappliedBytes = 64 * 1024 * 1024,
        CatchUpChunkBytes = Pick(random, 8, 128) * 1_024,
    };

    /// <summary>Nothing else goes wrong, so that very much gets done while one is away.</summary>
    /// <param name="slots">How far the absent one falls behind.</param>
    public SimProfile WithAbsence(DeterministicRandom random, int slots) => this with
    {
        AbsentForSlots = slots,
        CatchUpChunkBytes = Pick(random, 8, 128) * 1_024,
        Nodes = Pick(random, 3, 3, 5),
        Clients = 24,
        PipelinedCalls = 0,
        FaultyUs = 3 * Second,
        ThinkMaxMs = 1,
        TimeoutMaxMs = 50,
        AnswerMaxMs = 20,
        LossPerMille = 0,
        DuplicatePerMille = 0,
        ReorderPerMille = 0,
        SplitPerMille = 0,
        ConnectFailPerMille = 0,
        BreakEveryMs = 0,
        CorruptEveryMs = 0,
        MaxDelayUs = 500,
        HeldUpPerMille = 0,
        PartitionEveryMs = 0,
        CrashEveryMs = 0,
        PauseEveryMs = 0,
        DiskTroubleEveryMs = 0,
        DiskFaultEveryMs = 0,
        DamageEveryMs = 0,
        FlipEveryMs = 0,
        LateNodes = 0,
        WipeEveryMs = 0,
        Joiners = 0,
        ChangeEveryMs = 0,
        LostNodes = 0,
        SyncMaxUs = 300,
        ApplyMaxMs = 1,
        MaxBatchCommands = 1 + random.Next(2),
        MaxQueuedWrites = 65_536,
        MaxUnappliedBytes = 64 * 1024 * 1024,
        MaxInFlightBytes = 8 * 1024 * 1024,
        MaxUnchosenBytes = 24 * 1024 * 1024,
    };

    /// <summary>
    /// Members come and go. In most of these seeds no node is lost but those that are removed; in the others voters and
    /// learners are lost, damaged or wiped meanwhile, so that a group may lose its quorum by what it has agreed on.
    /// </summary>
    public SimProfile WithChanges(DeterministicRandom random)
    {
        SimProfile profile = this with
        {
            Joiners = Pick(random, 0, 1, 2, 4),
            ChangeEveryMs = Pick(random, 50, 150, 400),
            LateNodes = 0,
        };
        return random.Chance(400)
            ? profile
            : profile with { DamageEveryMs = 0, LostNodes = 0, WipeEveryMs = 0 };
    }

    /// <summary>
    /// Data rot, and are made anew from those of others. No node is lost for good, since the others must be enough.
    /// </summary>
    public SimProfile WithRot(DeterministicRandom random) => this with
    {
        Nodes = Pick(random, 3, 3, 5),
        RotEveryMs = Pick(random, 150, 400, 1_000),
        ScrubEveryMs = Pick(random, 300, 1_000),
        DamageEveryMs = 0,
        LostNodes = 0,
        LateNodes = 0,
        WipeEveryMs = 0,
    };

    /// <summary>
    /// A short life of a group that was made of another: with crashes, partitions and rot, and without losses for good.
    /// </summary>
    public SimProfile OfNewGroup(SimOrigin origin) => this with
    {
        Workload = SimWorkload.Registers,
        Nodes = origin.Directories.Count,
        Joiners = 0,
        ChangeEveryMs = 0,
        SessionLimits = origin.Sessions,
        Clients = Math.Min(Clients, 6),
        PipelinedCalls = Math.Min(PipelinedCalls, 4),
        FaultyUs = Math.Min(FaultyUs, 3 * Second),
        ThinkMaxMs = Math.Max(ThinkMaxMs, 10),
        AbsentForSlots = 0,
        StallsLeaderDisk = false,
        DamageEveryMs = 0,
        FlipEveryMs = 0,
        LostNodes = 0,
        LateNodes = 0,
        WipeEveryMs = 0,
    };

    /// <summary>As many writes as the leader takes, so that even a million slots are soon chosen.</summary>
    public SimProfile WithLongAbsence(DeterministicRandom random, int slots) => WithAbsence(random, slots) with
    {
        Workload = SimWorkload.Registers,
        Nodes = 3,
        PipelinedCalls = 240,
        TimeoutMaxMs = 500,
        HashEverySlots = 256,
        SegmentSizeBytes = 256 * 1024,
        LogRetentionBytes = int.MaxValue,
        FlushBytes = 64 * 1024,
        CatchUpChunkBytes = 128 * 1024,
        MaxInFlightSlots = 256,
        SessionLimits = SessionLimits.Default,
        ForwardsWrites = false,
    };

    /// <summary>Versions leave the window by their number or by their age, or by both.</summary>
    private static MvccRetention ShortRetention(DeterministicRandom random) => new(
        random.Chance(600) ? 1 + random.Next(2_000) : MvccRetention.Default.TimeMs,
        random.Chance(600) ? 5 + random.Next(200) : MvccRetention.Default.Versions);

    private static int Pick(DeterministicRandom random, params ReadOnlySpan<int> choices) =>
        choices[random.Next(choices.Length)];
}

using System.Globalization;
using System.Runtime.InteropServices;
using KvCloud.Consensus;
using KvCloud.Node.Cluster;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Backup;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.Replication.Snapshots;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.Routing;
using KvCloud.Node.State;
using KvCloud.Node.Storage;
using KvCloud.Node.Transport;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// One machine with a replica on it: the production <see cref="Replica"/> with its router, log, recovery and transport
/// sessions, on a simulated disk, network, clock and threads. What it does later it does only if it has not crashed
/// meanwhile, and not before a pause is over.
/// </summary>
internal sealed class SimNode : IReplicaRuntime, IReplicaObserver, IDisposable
{
    private const string DataRoot = "/data";
    private const string DataPath = DataRoot + "/node";
    private const string StorePath = DataPath + "/data";
    private const string IdentityPath = DataPath + "/identity";
    private const string LogPath = DataPath + "/log";
    private const string MarkPath = DataPath + "/log.mark";

    /// <summary>So often a replica with a damaged log is started again.</summary>
    private const int MaxStopsByDamage = 2;

    /// <summary>What a mark says, and its checksum: the beginning of its sector.</summary>
    private const int MarkReadBytes = 48;

    /// <summary>As health_check_interval_ms, but shorter: lives are short here.</summary>
    private const long ReportEveryUs = 50 * SimProfile.Millisecond;

    private readonly SimWorld _world;
    private readonly SimProfile _profile;
    private readonly Dictionary<(byte[] Memory, int Offset), SimAttempt> _attempts = [];
    private readonly SortedDictionary<NodeId, Promise> _oldPromises = [];
    private SimClock _clock;
    private SimWorkers? _workers;
    private SimTransport? _transport;
    private SimReads? _reads;
    private RoutingManager? _routing;
    private Replica? _replica;
    private DivergenceDetector _divergence;
    private DivergenceDetector _rows;
    private long _life;
    private int _starts;
    private int _stopsByDamage;
    private Bootstrap? _bootstrap;
    private bool _isWiped;
    private SimDiskSnapshot? _olderDay;

    /// <summary>As it was before the node was formed.</summary>
    private SimDiskSnapshot? _oldIdentity;
    private bool _hasOldIdentity;

    /// <summary>At the last start: the log, and the mark that says how far it had got.</summary>
    private (SimDiskSnapshot Log, byte[] Mark)? _logAtStart;
    private Role _role;

    public SimNode(int id, SimWorld world, SimProfile profile)
    {
        _world = world;
        _profile = profile;
        Self = new NodeId(id);
        Disk = new SimDisk(world.Random, new SimDiskSettings(profile.SyncMaxUs))
        {
            IgnoresSyncs = world.Sabotage is Sabotage.SyncsNothing,
        };
        Store = new SimStore(world);
        _clock = new SimClock(world, this, 1_000);
        _divergence = new DivergenceDetector(Self);
        _rows = new DivergenceDetector(Self);
        if (world.Origin is { } origin)
        {
            Disk.CreateDirectory(DataRoot);
            Disk.FlushDirectory("/");
            Disk.RestoreFrom(new SimDiskSnapshot(DataPath, origin.Directories[id].Node));
            Store.Take(Disk, StorePath);
        }
    }

    public NodeId Self { get; }

    /// <summary>What is installed: it runs from the next start on.</summary>
    public PeerRelease Release { get; set; } = SimUpgrader.Newest;

    public SimDisk Disk { get; }

    public SimStore Store { get; }

    /// <summary>Null while the node is down or starts.</summary>
    public PaxosNode? Core { get; private set; }

    /// <summary>The log of this start; null while the node is down.</summary>
    public IPaxosLog? Log { get; private set; }

    /// <summary>Of this start; null while the node is down.</summary>
    public SimTransport? Transport => _transport;

    public IReplicaClock Clock => _clock;

    public IReplicaObserver? Observer => this;

    public ReplicationMetrics? Metrics => null;

    public long PausedUntilUs { get; private set; }

    /// <summary>For how long this machine was suspended since the node's start.</summary>
    public long SuspendedUs { get; private set; }

    public long WallClockOffsetMs { get; set; }

    /// <summary>
    /// It does not come back: its disk was damaged, and it refuses to start, or nobody starts it any more.
    /// </summary>
    public bool IsGone { get; private set; }

    /// <summary>Something on its disk was damaged or lost, so that it may refuse to start.</summary>
    public bool IsDamaged { get; set; }

    /// <summary>A bit of its log turned around while it ran.</summary>
    public bool HasFlippedLog { get; set; }

    /// <summary>A call of its disk was made to fail, so that it may stop or not start.</summary>
    public bool HasDiskFaults { get; set; }

    /// <summary>It may take part in consensus, now or when it is up again.</summary>
    public bool IsFormed => _bootstrap?.IsFormed ?? false;

    /// <summary>
    /// It lost its whole disk, and is not formed again, or came to the group later and is formed at once: for who met
    /// the old one it is another replica.
    /// </summary>
    public bool IsOutcast => (_isWiped && (IsJoiner || !IsFormed)) || (_hasOldIdentity && !IsFormed);

    public bool IsDown => _replica is null;

    /// <summary>
    /// Up to here it has everything, in its data or in the log that follows them, when its data were last made anew.
    /// </summary>
    public Slot HeldSlot { get; private set; }

    /// <summary>Its data have gone bad, noticed or not, or are being made anew, or it has none.</summary>
    public bool HasUnsoundData => Store.IsRotten
        || Disk.FileExists(new SnapshotPaths(DataPath).Rebuild)
        || _replica?.Driver.Data.IsDamaged == true
        || _replica?.Rebuild?.IsWanted == true;

    /// <summary>What it offers to backups; null while it does not answer.</summary>
    public BackupReads? Backups => Core is null || _world.NowUs < PausedUntilUs ? null : _replica!.Backups;

    public bool HasLease => Core is not null && _replica!.Driver.HasLease;

    public bool IsIdle => IsGone || (Core is not null && _workers!.IsIdle && _replica!.Forwarder.PendingCount == 0);

    // ---- Life ----

    public void Start()
    {
        if (IsGone || !IsDown)
        {
            return;
        }

        long life = ++_life;
        _starts++;
        SuspendedUs = 0;
        int drift = _world.Sabotage is Sabotage.ClocksDriftBeyondMargin ? 600 : _profile.DriftPerMille;
        _clock = new SimClock(_world, this, 1_000 - drift + _world.Random.Next((2 * drift) + 1));
        try
        {
            OnDisk(Open, () =>
            {
                if (_life == life)
                {
                    Run();
                }
            });
        }
        catch (Exception exception) when (IsExpected(exception))
        {
            StartRefused(exception);
        }
    }

    /// <summary>Everything that was only in memory is gone, and of the disk what a crash takes.</summary>
    public void Crash(bool isPowerCut)
    {
        if (IsDown)
        {
            return;
        }

        _world.Trace($"node-{Self.Value}   {(isPowerCut ? "loses its power" : "crashes")}");
        EndLife(isPowerCut);
    }

    /// <summary>It goes down and does not come back.</summary>
    public void Lose(bool isPowerCut)
    {
        Crash(isPowerCut);
        _world.Trace($"node-{Self.Value}   is lost");
        IsGone = true;
    }

    /// <summary>
    /// It goes down, and all that was on its disk is gone: what comes back is a new replica under an old id.
    /// </summary>
    public void Wipe(bool isPowerCut)
    {
        Crash(isPowerCut);
        _world.Trace($"node-{Self.Value}   loses its data directory");
        LoseDirectory();
        _bootstrap = null;
        _isWiped = true;
        _logAtStart = null;
        _oldIdentity = null;
        _world.Checker.Wiped(this);
    }

    /// <summary>
    /// Puts back the log as it was when the node last started, beside a mark that knows of more: the start must be
    /// refused. False where the mark knows of no more, and nobody could notice.
    /// </summary>
    public bool TryPutBackOlderLog()
    {
        if (_logAtStart is not (SimDiskSnapshot log, byte[] mark)
            || !Disk.FileExists(MarkPath)
            || SaysTheSame(Disk.ContentOf(MarkPath), mark))
        {
            return false;
        }

        _world.Trace($"node-{Self.Value}   gets back an older log");
        Disk.RestoreFrom(log);
        return true;
    }

    /// <summary>
    /// Puts back the identity of before the node was formed: it takes no part before all others have welcomed it anew.
    /// </summary>
    public bool TryPutBackOlderIdentity()
    {
        if (_oldIdentity is null || !IsFormed || !Disk.FileExists(IdentityPath))
        {
            return false;
        }

        _world.Trace($"node-{Self.Value}   gets back the identity of before it was formed");
        Disk.RestoreFrom(_oldIdentity);
        _bootstrap = null;
        _hasOldIdentity = true;
        return true;
    }

    /// <summary>
    /// As SIGSTOP does: no tick, no message handled, until then. Suspended, the clock of deadlines stands still too.
    /// </summary>
    public void PauseUntil(long momentUs, bool isSuspended)
    {
        if (IsDown || momentUs <= PausedUntilUs)
        {
            return;
        }

        _world.Trace($"node-{Self.Value}   {(isSuspended ? "is suspended" : "pauses")} for "
            + $"{(momentUs - _world.NowUs) / 1_000} ms");
        if (isSuspended)
        {
            SuspendedUs += momentUs - Math.Max(_world.NowUs, PausedUntilUs);
        }

        PausedUntilUs = momentUs;
        _transport?.PauseUntil(momentUs);
    }

    public void Resume()
    {
        PausedUntilUs = 0;
        _transport?.Resume();
    }

    /// <summary>Its directory, as somebody finds it who looks for what is left; it is down.</summary>
    public void CopyDirectory(SimDisk to, string path)
    {
        to.RestoreFrom(new SimDiskSnapshot(path, Disk.Snapshot(DataPath).Node));
        Store.CopyTo(to, Path.Combine(path, "data"));
    }

    /// <summary>Whether its directory can be asked what it has: it took part, and no snapshot waits there.</summary>
    public bool IsReadable => !IsGone && !IsOutcast && IsFormed && !HasUnsoundData
        && !Disk.FileExists(new SnapshotPaths(DataPath).Install);

    public void Dispose() => Store.Dispose();

    // ---- Clients ----

    /// <summary>A client's write arrives. False: nobody is there.</summary>
    public bool Write(SimAttempt attempt, int timeoutMs)
    {
        if (Core is null)
        {
            return false;
        }

        Later(0, () =>
        {
            byte[] command = SimStore.Encode(attempt.Op);
            _attempts.Add((command, 0), attempt);
            _routing!.Write(new SimWrite(this, attempt) { Command = command, DeadlineMs = _clock.NowMs + timeoutMs });
        });
        return true;
    }

    /// <summary>A client's read arrives. False: nobody is there.</summary>
    public bool Read(SimRead read, int timeoutMs)
    {
        if (Core is null)
        {
            return false;
        }

        Later(0, () => _reads!.Add(read, timeoutMs));
        return true;
    }

    /// <summary>Somebody wants other members, or another leader.</summary>
    public void Change(MemberChange change, int timeoutMs) => Later(0, () => _routing!.Change(
        new SimMemberChange(_world, this) { Change = change, DeadlineMs = _clock.NowMs + timeoutMs }));

    /// <summary>Somebody wants its data made anew.</summary>
    public void OrderRebuild()
    {
        if (Core is not null)
        {
            Change(new MemberChange(MemberAction.Rebuild, Self), 1_000);
        }
    }

    /// <summary>An answer to a write leaves the node.</summary>
    public void Answered(SimAttempt attempt, in CommandResult result)
    {
        switch (result.Code)
        {
            case KvStatus.NotLeader or KvStatus.NoLeader or KvStatus.Timeout
                or KvStatus.Overloaded or KvStatus.ShuttingDown or KvStatus.NoSpace
                or KvStatus.FeatureNotActive:
                bool hasLost = result.Message?.Contains("took the slot", StringComparison.Ordinal) ?? false;
                if (hasLost && _world.Sabotage is Sabotage.AnswersWithoutOrigin)
                {
                    attempt.Answer(_world, new CommandResult(KvStatus.Ok, new CommitVersion(1)));
                    return;
                }

                _world.Reached.ExpiredCalls += result.Code == KvStatus.Timeout ? 1 : 0;
                _world.Reached.SpaceRefusals += result.Code == KvStatus.NoSpace ? 1 : 0;
                NodeId? leader = result.LeaderEndpoint is string endpoint
                    ? new NodeId(int.Parse(endpoint, CultureInfo.InvariantCulture))
                    : null;
                attempt.Refuse(_world, leader);
                break;
            case KvStatus.OutcomeUnknown when _world.Sabotage is Sabotage.UnknownOutcomesAreRefusals:
                attempt.Refuse(_world, null);
                break;
            case KvStatus.OutcomeUnknown:
                _world.Reached.UnknownOutcomes++;
                attempt.LeaveUnknown();
                break;
            default:
                attempt.Answer(_world, result);
                break;
        }
    }

    /// <summary>Looks into the store as a connection's thread does that was admitted.</summary>
    public SimReadAnswer Look(SimOp op)
    {
        var answer = new SimReadAnswer(Self, null, 0, Store.Executor.AppliedSlot);
        switch (op.Kind)
        {
            case SimOpKind.GetReadVersion:
                return answer with { Version = Store.AppliedVersion.Value };
            case SimOpKind.Range:
                return Store.ReadRange(answer, op.Keys[0], op.Keys[^1]);
            case SimOpKind.SnapshotRange:
                return Store.ReadRange(answer, op.Keys[0], op.Keys[^1], SnapshotVersion(op));
            default:
                return Store.Read(answer, op.Keys[0], op.Kind == SimOpKind.SnapshotRead ? SnapshotVersion(op) : null);
        }
    }

    // ---- What the replica takes from its world ----

    public long NextUniqueId() => (long)_starts << 32;

    public IWorkers CreateWorkers(Action<Exception> onFailure) => _workers = new SimWorkers(this, _world, onFailure);

    /// <summary>Runs the action then, unless the node crashes before; once it is no longer paused.</summary>
    public void Later(long delayUs, Action action)
    {
        long life = _life;
        _world.After(delayUs, () => Run(life, action));
    }

    /// <summary>How long the world takes for so many milliseconds of this node's clock.</summary>
    public long WorldUsOf(int milliseconds) => _clock.WorldUsOf(milliseconds);

    /// <summary>Runs calls of the disk as one operation, and what follows from them when their time is over.</summary>
    public void OnDisk(Action calls, Action then)
    {
        Disk.BeginOperation();
        try
        {
            calls();
        }
        finally
        {
            long takesUs = Disk.EndOperation(_world.NowUs);
            Later(takesUs, () =>
            {
                Disk.Settle();
                then();
            });
        }
    }

    /// <summary>
    /// Whether it is what a replica says to a disk that fails or was damaged, and there is one; or to a group that has
    /// moved on to what this replica cannot follow, after it was removed, or before it was added as a learner while
    /// nobody had heard its release.
    /// </summary>
    public bool IsExpected(Exception exception) => exception is FeatureLevelException
        ? _world.Checker.Members.Find(Self) is not { IsVoter: true }
        : (HasDiskFaults || IsDamaged)
            && exception is IOException or UnauthorizedAccessException or LogFailedException or LogUnreadableException
                or LogCorruptException or DataDirectoryException or InvalidDataException or StoreCorruptException;

    // ---- What the replica decides ----

    public void Proposed(Slot slot, Ballot ballot, IReadOnlyList<PendingWrite> writes)
    {
        SimAttempt[] attempts = [.. writes.Select(write => AttemptOf(write.Command))];
        _world.Checker.Proposed(slot, ballot, attempts);
        if (_world.IsTracing)
        {
            _world.Trace($"node-{Self.Value}   proposes {string.Join(", ", attempts.Select(item => item.Op))} "
                + $"in slot {slot} at {ballot}");
        }
    }

    public void Chosen(in ChosenEntry entry) => _world.Checker.Chosen(this, entry);

    public void Stepped(PaxosNode node)
    {
        Role before = _role;
        _role = node.Role;
        Core = node;
        if (_role != before)
        {
            _world.Reached.Elections += _role == Role.Leader ? 1 : 0;
            _world.Trace($"node-{Self.Value}   is {_role} at tick {_clock.NowTick}, ballot {node.Ballot}, "
                + $"promised {node.Promised}, chosen {node.ChosenSlot}");
            if (_world.Sabotage is Sabotage.CountsStalePromises && _role == Role.Candidate)
            {
                Message[] stale = [.. _oldPromises.Values.Select(promise => promise with { Ballot = node.Promised })];
                Later(0, () => _replica!.Driver.Receive(stale));
            }
        }

        _world.Checker.Stepped(this, before);
    }

    public void Applied(Slot slot, int index, in CommandResult result) =>
        _world.Checker.Applied(this, slot, index, result);

    public void AppliedUpTo(Slot slot) => _world.Checker.AppliedUpTo(this);

    // ---- Starting and stopping ----

    private void Open()
    {
        var directory = DataDirectory.Open(
            Disk, DataPath, _world.ClusterId, Self.Value, Voters, () => DrawIncarnation());
        var logOptions = new SegmentedLogOptions
        {
            SegmentSizeBytes = _profile.SegmentSizeBytes,
            RunLater = work => Later(_world.Random.Next(1_000), () => MakeSpare(work)),
        };
        bool hadMark = Disk.FileExists(new SnapshotPaths(DataPath).Rebuild);
        var storage = ReplicaStorage.Open(
            Disk, directory, path => Store.Open(directory.IsNew, Disk, path), logOptions, SessionLimits,
            _profile.Space, Release.SupportedLevel);
        Store.Executor = storage.Executor;
        Log = _world.Sabotage.OfLog(storage.Log, Store, () => Core is not null);
        int[] peers = [.. Enumerable.Range(0, _profile.AllNodes).Where(id => id != Self.Value)];
        _bootstrap = new Bootstrap(
            IsJoiner ? [] : peers.Where(id => id < _profile.Nodes),
            directory.Identity.IsFormed,
            () => NoteFormed(directory));
        _transport = _world.Network.Join(
            new PeerIdentity(
                _world.ClusterId, Self.Value, directory.Identity.Incarnation, Name(Self)!, "",
                new GroupTerms(Voters, 400, 320))
            {
                Release = _world.Sabotage is Sabotage.FeatureLevelsAreOverstated ? SimUpgrader.Newest : Release,
            },
            peers,
            new SimIncarnations(Disk, storage.Incarnations),
            _bootstrap,
            _world.TransportOptions);
        _transport.OnSent = Sent;
        Func<Message, Message>? lie = _world.Sabotage is Sabotage.PreparesAreTransfers
            ? MistakeForTransfer
            : _world.Sabotage.OfMessages();
        _transport.Rewrite = message => MisreadSnapshot(lie?.Invoke(message) ?? message);
        _transport.OnDelivered = Delivered;
        _replica = new Replica(
            MakeConfig(),
            Log,
            storage.Executor,
            _transport,
            _world.Sabotage is Sabotage.VotesBeforeFormed ? Bootstrap.Done : _bootstrap,
            MakeOptions(),
            this,
            storage.Space,
            Failed,
            new SnapshotPlace(
                Disk,
                new SnapshotPaths(DataPath),
                _world.ClusterId,
                path => MemoryKvStore.Load(Disk, path),
                () => Later(_world.Random.Next(20_000), RestartToInstall),
                what => _world.Trace($"node-{Self.Value}   snapshots: {what}"))
            {
                Mark = storage.Mark,
                Alarm = Damaged,
            });
        _world.Reached.SnapshotsInstalled += storage.HasInstalledSnapshot ? 1 : 0;
        if (storage.HasInstalledSnapshot && hadMark)
        {
            // The data may be of an earlier slot than those before were; its own log has what follows.
            HeldSlot = storage.Log.ChosenSlot;
        }

        _world.Reached.Rebuilds += storage.HasInstalledSnapshot && hadMark ? 1 : 0;
        _world.Reached.StartsWithoutData += storage.Executor.Health.IsDamaged ? 1 : 0;
        _routing = new RoutingManager(
            _replica.Driver,
            _replica.Forwarder,
            storage.Executor.Reader,
            new RoutingOptions { ForwardWrites = _profile.ForwardsWrites, MaxStalenessMs = _profile.MaxStalenessMs },
            _clock,
            Name);
        _reads = new SimReads(this, _world, _routing);

        // What the start has applied from the log, before anybody hears of it.
        Store.NoteApplied();
        _world.Checker.Restarted(this);
        _world.Reached.Recoveries += _starts > 1 ? 1 : 0;
        _world.Trace($"node-{Self.Value}   starts: promised={Log.Promised} chosen={Log.ChosenSlot} "
            + $"slots {Log.FirstSlot} to {Log.LastSlot}, applied {Store.AppliedSlot}");
    }

    private void Damaged(string what)
    {
        _world.Trace($"node-{Self.Value}   {what}");
        _world.Reached.DamagesFound++;
    }

    private ReplicationOptions MakeOptions()
    {
        ReplicationOptions options = _profile.ToReplicationOptions(Self) with { AllowedLevel = Release.AllowedLevel };
        return _world.Sabotage switch
        {
            Sabotage.StalledLeaderStays => options with { StallLimitMs = 0 },
            Sabotage.FeatureLevelsAreOverstated => options with { AllowedLevel = SimUpgrader.Newest.AllowedLevel },
            _ => options,
        };
    }

    private Message MistakeForTransfer(Message message) => message switch
    {
        PreVoteReply reply => reply with { Granted = true },
        Prepare prepare when Core is not null => prepare with { TransferOf = Core.Ballot },
        _ => message,
    };

    private SessionLimits SessionLimits =>
        _world.Sabotage is Sabotage.SessionLimitsDiffer && Self.Value == 0
            ? new SessionLimits(1, 1)
            : _profile.SessionLimits;

    private string Voters => GroupTerms.Describe(Enumerable.Range(0, _profile.Nodes));

    /// <summary>It begins as no member, and waits to be added.</summary>
    private bool IsJoiner => Self.Value >= _profile.Nodes;

    private static string? Name(NodeId node) => node.Value.ToString(CultureInfo.InvariantCulture);

    private long DrawIncarnation() =>
        _world.Sabotage is Sabotage.DiskIsWiped ? Self.Value : (long)(_world.Random.NextUInt64() >> 1);

    private void Run()
    {
        _divergence = new DivergenceDetector(Self);
        _rows = new DivergenceDetector(Self);
        if (_profile.DamageEveryMs > 0)
        {
            _logAtStart = (Disk.Snapshot(LogPath), Disk.ContentOf(MarkPath));
            _oldIdentity = IsFormed ? _oldIdentity : Disk.Snapshot(IdentityPath);
        }

        _replica!.StartAsync(
            Reported, CancellationToken.None)
            .GetAwaiter().GetResult();
        Later(ReportEveryUs, Report);
    }

    /// <summary>
    /// As the cluster manager does at each interval: by these reports replicas notice that they drifted apart.
    /// </summary>
    private void Report()
    {
        ReplicaStatus status = _replica!.Driver.Status;
        Compare(Self, status.HashedSlot, status.StateHash);
        CompareRows(Self, status.Stored.Slot, status.Stored.Hash);
        _transport!.Report(status.ToReport(uptimeSeconds: 0));
        Later(ReportEveryUs, Report);
    }

    private void Reported(PeerReport report)
    {
        Compare(report.From, report.HashedSlot, report.StateHash);
        CompareRows(report.From, report.StoredSlot, report.StoredHash);
    }

    private void CompareRows(NodeId from, Slot slot, ulong hash)
    {
        _world.Reached.ComparedRows += from != Self && slot > Slot.Zero ? 1 : 0;
        foreach (Divergence found in _rows.Add(from, slot, hash))
        {
            _world.Checker.AlarmedOfRows(this, found);
        }
    }

    private void Compare(NodeId from, Slot slot, ulong hash)
    {
        _world.Reached.ComparedHashes += from != Self && slot > Slot.Zero ? 1 : 0;
        foreach (Divergence found in _divergence.Add(from, slot, hash))
        {
            _world.Checker.Alarmed(this, found);
        }
    }

    /// <summary>
    /// A start that was refused or failed: for good where the disk is damaged, else somebody tries again.
    /// </summary>
    private void StartRefused(Exception exception)
    {
        _world.Trace($"node-{Self.Value}   does not start: {exception.GetType().Name}: {exception.Message}");
        NoteDamagedLog(exception);
        EndLife(isPowerCut: false);
        if (IsDamaged && exception is not (IOException or LogFailedException))
        {
            _world.Reached.Refusals++;
            IsGone = true;
        }
        else
        {
            _world.After((20 + _world.Random.Next(500)) * SimProfile.Millisecond, Start);
        }
    }

    /// <summary>The replica cannot go on, and the process ends soon.</summary>
    private void Failed(Exception exception)
    {
        _world.Trace($"node-{Self.Value}   fails: {exception.GetType().Name}: {exception.Message}");
        _world.Reached.Failures++;
        NoteDamagedLog(exception);
        Later(_world.Random.Next(50) * SimProfile.Millisecond, () =>
        {
            Crash(isPowerCut: false);
            if (_stopsByDamage >= MaxStopsByDamage)
            {
                // Somebody reads why it stops again and again, and takes it away.
                Lose(isPowerCut: false);
            }

            _world.After((20 + _world.Random.Next(1_000)) * SimProfile.Millisecond, Start);
        });
    }

    /// <summary>Damage of the log is told by name.</summary>
    private void NoteDamagedLog(Exception exception)
    {
        if (!HasFlippedLog || exception is not LogCorruptException)
        {
            return;
        }

        _stopsByDamage++;
        _world.Reached.LogFlipsFound++;
        if (!exception.Message.Contains(LogPath, StringComparison.Ordinal))
        {
            throw new SimFailureException($"{Self} does not say which log is damaged: {exception.Message}");
        }
    }

    /// <summary>A snapshot waits to be put in place, which only a start does.</summary>
    private void RestartToInstall()
    {
        if (Disk.IsBusy)
        {
            Later(_world.Random.Next(2_000), RestartToInstall);
            return;
        }

        Crash(isPowerCut: false);
        _world.After(_world.Random.Next(300) * SimProfile.Millisecond, Start);
    }

    /// <summary>What this life had to do with snapshots.</summary>
    public void CountSnapshots()
    {
        _world.Reached.SnapshotsMade += _replica?.SnapshotServer?.Made ?? 0;
        _world.Reached.SnapshotFilesKept += _replica?.SnapshotReceiver?.FilesKept ?? 0;
        _world.Reached.ScrubRounds += _replica?.Scrubber?.Progress.Rounds ?? 0;
        _world.Reached.SnapshotsDiscarded += _replica?.SnapshotReceiver?.Discarded ?? 0;
    }

    private void EndLife(bool isPowerCut)
    {
        CountSnapshots();
        _life++;
        Core = null;
        Log = null;
        _replica = null;
        _workers = null;
        _reads = null;
        _routing = null;
        _role = Role.Follower;
        PausedUntilUs = 0;
        _oldPromises.Clear();
        _attempts.Clear();
        _transport?.Crash(isPowerCut);
        _transport = null;
        Disk.Crash(isPowerCut);
        PutBackOlderDay();
        Store.Crash();
        if (_world.Sabotage is Sabotage.AnswersAreForgotten)
        {
            Store.ForgetAnswers();
        }

        if (_world.Sabotage is Sabotage.DiskIsWiped && _world.Random.Chance(300))
        {
            LoseDirectory();
        }

        _world.Checker.Crashed(this);
    }

    /// <summary>Of the rest of a mark's sector nobody reads anything, so damage there tells of nothing.</summary>
    private static bool SaysTheSame(ReadOnlySpan<byte> mark, ReadOnlySpan<byte> other) =>
        mark[..Math.Min(mark.Length, MarkReadBytes)].SequenceEqual(other[..Math.Min(other.Length, MarkReadBytes)]);

    private void LoseDirectory()
    {
        Disk.Lose(DataPath);
        Store.Wipe();
    }

    /// <summary>As <see cref="SimIncarnations"/>: while the disk is busy nothing can be noted.</summary>
    private void NoteFormed(DataDirectory directory)
    {
        if (Disk.IsBusy)
        {
            throw new IOException("the disk is busy");
        }

        directory.NoteFormed();
        _world.Trace($"node-{Self.Value}   has met all others and takes part");
    }

    /// <summary>Of <see cref="Sabotage.DiskIsOfAnOlderDay"/>: the disk is as it was at the crash before.</summary>
    private void PutBackOlderDay()
    {
        if (_world.Sabotage is Sabotage.DiskIsOfAnOlderDay)
        {
            SimDiskSnapshot today = Disk.Snapshot();
            if (_olderDay is not null && _world.Random.Chance(500))
            {
                Disk.RestoreFrom(_olderDay);
            }

            _olderDay = today;
        }
    }

    private void MakeSpare(Action work)
    {
        if (!Disk.IsBusy)
        {
            OnDisk(work, () => _workers?.DiskIsFree());
        }
    }

    private void Run(long life, Action action)
    {
        if (life != _life || IsDown)
        {
            return;
        }

        if (_world.NowUs < PausedUntilUs)
        {
            _world.After(PausedUntilUs - _world.NowUs, () => Run(life, action));
            return;
        }

        action();
    }

    private PaxosConfig MakeConfig() => new()
    {
        Self = Self,
        Voters = IsJoiner ? [] : [.. Enumerable.Range(0, _profile.Nodes).Select(id => new NodeId(id))],
        Seed = _world.Random.NextUInt64(),
        MaxInFlightSlots = _profile.MaxInFlightSlots,
        MaxInFlightBytes = _profile.MaxInFlightBytes,
        MaxUnchosenBytes = _profile.MaxUnchosenBytes,
    };

    // ---- Messages ----

    /// <summary>The disk, or the memory, of whoever sends a snapshot turns a bit of it around.</summary>
    private Message MisreadSnapshot(Message message)
    {
        if (message is not SnapshotReply { File: >= 0, Content.Length: > 0 } reply
            || _world.IsHealed || !_world.Random.Chance(_profile.SnapshotFlipPerMille))
        {
            return message;
        }

        _world.Reached.SnapshotFlips++;
        byte[] content = reply.Content.ToArray();
        content[_world.Random.Next(content.Length)] ^= (byte)(1 << _world.Random.Next(8));
        return reply with { Content = content };
    }

    private void Sent(Message message)
    {
        _world.Checker.Said(this, message);
        if (message is Forward forward)
        {
            _world.Reached.Forwards++;
            _world.Forwarded[(forward.From, forward.Id)] = AttemptOf(forward.Command);
        }
    }

    private void Delivered(Message message)
    {
        if (_world.IsTracing)
        {
            _world.Trace($"arrives  {SimTrace.Describe(message)}");
        }

        if (message is Promise promise)
        {
            _oldPromises[promise.From] = promise;
        }
        else if (message is Forward forward)
        {
            _attempts[KeyOf(forward.Command)] = _world.Forwarded[(forward.From, forward.Id)];
        }
        else if (message is CatchUpReply { Entries.Count: > 0 })
        {
            _world.Reached.CatchUps++;
        }
    }

    private SimAttempt AttemptOf(ReadOnlyMemory<byte> command) => _attempts[KeyOf(command)];

    /// <summary>A command is the memory it is in: two sendings of one operation have the same bytes.</summary>
    private static (byte[] Memory, int Offset) KeyOf(ReadOnlyMemory<byte> command)
    {
        Invariant.Check(
            MemoryMarshal.TryGetArray(command, out ArraySegment<byte> segment), "a command is in managed memory");
        return (segment.Array!, segment.Offset);
    }

    private CommitVersion SnapshotVersion(SimOp op) => new(
        _world.Sabotage is Sabotage.SnapshotReadsBeforeApplied
            ? Math.Min(op.ReadVersion, Store.AppliedVersion.Value)
            : op.ReadVersion);
}

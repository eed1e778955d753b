using System.Globalization;
using System.Runtime.CompilerServices;
using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.State;
using KvCloud.Node.Transport;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// A whole cluster with its clients in one thread, on simulated network, disk and time. Everything that happens follows
/// from the seed, so a failure can be lived through again, event by event.
/// </summary>
/// <remarks>
/// First safety: every kind of trouble, and no answer may ever be wrong. Then liveness: all trouble ends, and within a
/// bounded time everything must be answered and all replicas must agree.
/// </remarks>
internal sealed class SimWorld : ISimScheduler, IDisposable
{
    /// <summary>Ten of the longest election timeouts, in which replicas also find each other again.</summary>
    private const long LivenessUs = 6 * SimProfile.Second;
    private const long SettleUs = 10 * SimProfile.Second;

    /// <summary>
    /// What a replica may take more whose data are made anew when trouble ends, and which then is below all logs again:
    /// it installs two snapshots, one after the other.
    /// </summary>
    private const long TwoSnapshotsUs = 4 * SimProfile.Second;

    /// <summary>What a replica far behind may take more, for each slot that it missed.</summary>
    private const long CatchUpUsPerSlot = 20;
    private const string ProbeKey = "probe";

    private const int VersionsLookedAt = 20;

    /// <summary>The end of a longer retention window is not waited for.</summary>
    private const int LongestAwaitedWindowMs = 2_000;

    /// <summary>A leader takes about a tenth of a second for each while nobody writes.</summary>
    private const int MostOwedSteps = 40;

    private readonly PriorityQueue<Action, (long Us, long Order)> _events = new();
    private readonly Action<string>? _trace;
    private readonly List<SimClient> _clients = [];
    private readonly SimNemesis _nemesis;
    private readonly SimOperator _operator;
    private readonly SimBackup _backup;
    private readonly SimUpgrader _upgrader;
    private readonly SimData? _data;
    private readonly int _lag;
    private long _order;
    private long _laidOutBy = long.MaxValue;
    private int _ops;
    private int _sentAttempts;

    /// <param name="origin">What the group is made of; null for one that begins with nothing.</param>
    public SimWorld(ulong seed, SimOptions options, Action<string>? trace, SimOrigin? origin = null)
    {
        Random = new DeterministicRandom(seed);
        Origin = origin;
        Sabotage = options.IsControl ? Sabotage.None : options.Sabotage;
        _trace = trace;
        _lag = options.Lag;
        Profile = origin is null
            ? SimProfile.Of(Random, seed, options)
            : SimProfile.Draw(Random).WithDisks(Random).OfNewGroup(origin);
        _ops = origin?.Ops ?? 0;
        _sentAttempts = origin?.Attempts ?? 0;
        _data = Profile.Workload switch
        {
            SimWorkload.Bank => new SimBank(2 + Profile.Keys),
            SimWorkload.Cycle => new SimCycle(3 + Profile.Keys),
            _ => null,
        };
        Keys = origin is not null ? origin.Keys
            : _data is null
            ? [.. Enumerable.Range(0, Profile.Keys).Select(key => key % 3 == 2 ? $"{SimOp.Family}{key}" : $"k{key}")]
            : [.. _data.Keys, .. Enumerable.Range(0, Profile.Clients).Select(SimTransactions.LedgerOf), ProbeKey];
        Network = new SimByteNetwork(this, Profile);
        if (trace is not null)
        {
            Network.OnTrace = line => Trace($"{line}");
        }

        TransportOptions = SimByteNetwork.DrawOptions(Random);
        Checker = new SimChecker(this);
        Nodes = [.. Enumerable.Range(0, Profile.AllNodes).Select(id => new SimNode(id, this, Profile))];
        _nemesis = new SimNemesis(this, Profile);
        _operator = new SimOperator(this, Profile);
        _backup = new SimBackup(this, seed, Profile);
        _upgrader = new SimUpgrader(this, Profile);
    }

    public SimOrigin? Origin { get; }

    /// <summary>The longest retention window that any batch of the log may have been written with.</summary>
    public long LongestWindowMs => new[]
    {
        Profile.Retention.TimeMs, Profile.RetentionOfOddNodes.TimeMs, Origin?.WindowMs ?? 0,
    }.Max();

    public string ClusterId => Origin?.ClusterId ?? "simulated";

    public SimProfile Profile { get; }

    public DeterministicRandom Random { get; }

    public Sabotage Sabotage { get; }

    public SimByteNetwork Network { get; }

    public TransportOptions TransportOptions { get; }

    public SimReached Reached { get; } = new();

    /// <summary>Whose writes were forwarded, by the forwarding node and its number for them.</summary>
    public Dictionary<(NodeId From, long Id), SimAttempt> Forwarded { get; } = [];

    public SimChecker Checker { get; }

    public SimHistory History { get; } = new();

    public IReadOnlyList<SimNode> Nodes { get; }

    public IReadOnlyList<string> Keys { get; }

    public long NowUs { get; private set; }

    /// <summary>The wall clock, for what only wants to know the date. Not a clock to reason with.</summary>
    public long UnixMs => 1_700_000_000_000 + (NowUs / 1_000);

    public bool IsHealed { get; private set; }

    /// <summary>Transactions that were told to have been committed.</summary>
    public int Transactions { get; set; }

    /// <summary>How often somebody looked at all data as of one version.</summary>
    public int Audits { get; private set; }

    public long Events { get; private set; }

    /// <summary>
    /// Of all that was drawn at random, and when: two lives of one seed that differ anywhere soon differ in this.
    /// </summary>
    public ulong TraceHash { get; private set; } = 14_695_981_039_346_656_037;

    private long CatchUpUs => (_lag * CatchUpUsPerSlot)
        + (Profile is { RotEveryMs: > 0, LogRetentionBytes: 0 } ? TwoSnapshotsUs : 0);

    /// <summary>How long the healed cluster needed until everything asked of it had succeeded.</summary>
    public long RecoveryUs { get; private set; }

    /// <summary>
    /// What every node has durably in its data, but for one that is none of the group any more, or joined it later.
    /// </summary>
    public Slot LeastDurable => Nodes
        .Where(node => !node.IsOutcast && !node.HasUnsoundData && node.Self.Value < Profile.Nodes && IsMember(node))
        .Select(node => Slot.Max(node.Store.DurableSlot, node.HeldSlot))
        .DefaultIfEmpty(new Slot(long.MaxValue))
        .Min();

    /// <summary>By what any replica knows, which may be more than has been handed out.</summary>
    private bool IsMember(SimNode node) => Profile.ChangeEveryMs == 0 || Nodes
        .Select(other => other.Core?.Members ?? Checker.Members)
        .Append(Checker.Members)
        .MaxBy(members => members.Slot)!
        .Find(node.Self) is not null;

    /// <summary>A member that never comes back holds the group back, and nobody knows what it would run.</summary>
    private bool HasRisen => Checker.FeatureLevel == FeatureLevels.Newest
        || Checker.Members.Members.Any(member => Nodes[member.Id.Value].IsGone);

    public int NextOpId() => ++_ops;

    public int NextAttempt() => ++_sentAttempts;

    public void After(long delayUs, Action action) =>
        _events.Enqueue(action, (NowUs + Math.Max(0, delayUs), ++_order));

    public void Trace([InterpolatedStringHandlerArgument("")] ref TraceText text)
    {
        if (_trace is not null)
        {
            _trace($"{NowUs / 1_000,6}.{NowUs % 1_000:000} {text.ToString()}");
        }
    }

    public bool IsTracing => _trace is not null;

    public void Run()
    {
        SimAbsence absence = Begin();
        RunUntil(() => false, Profile.FaultyUs);
        if (_lag > 0)
        {
            RunUntil(() => absence.IsOver, NowUs + (_lag * SimProfile.Millisecond));
        }

        if (_nemesis.HasLostNodeBeforeAllMet)
        {
            // Perhaps nobody may ever take part. Nothing heals that, but nothing wrong may come of it either.
            RunUntil(() => false, NowUs + LivenessUs);
            return;
        }

        if (!Heal())
        {
            return;
        }

        Converge();
        CheckLawEverywhere();
        CheckWindowEnds();
        _backup.Finish();
        foreach (SimNode node in Nodes)
        {
            node.CountSnapshots();
        }

        new SimRestore(this, _backup).Check();
    }

    /// <summary>Lives up to a moment in the middle of all trouble, and no longer.</summary>
    public void RunUntil(long momentUs)
    {
        Begin();
        RunUntil(() => false, momentUs);
    }

    /// <summary>The group that was made of this one lives in a world of its own.</summary>
    public void LiveOnAs(SimOrigin origin, ulong seed)
    {
        using var world = new SimWorld(seed, new SimOptions(Sabotage: Sabotage), _trace, origin);
        Trace($"the {origin.ClusterId} group begins at slot {origin.Slot}, version {origin.Model.Version}");
        try
        {
            world.Run();
        }
        catch (SimFailureException exception)
        {
            throw new SimFailureException(string.Create(
                CultureInfo.InvariantCulture,
                $"the {origin.ClusterId} group, at {world.NowUs / 1_000.0:0.000} ms of its life: {exception.Message}"));
        }

        Reached.Add(world.Reached);
        Reached.SlotsOfNewGroups += world.Checker.AgreedSlot.Value - origin.Slot.Value;
        TraceHash ^= world.TraceHash;
    }

    /// <summary>Counts what another life of this seed has come to, and makes its hash part of this one's.</summary>
    public void Take(SimWorld other)
    {
        Reached.RecoveredGroups += other.Reached.RecoveredGroups;
        Reached.RecoveredChangedGroups += other.Reached.RecoveredChangedGroups;
        Reached.DecidedSlots += other.Reached.DecidedSlots;
        Reached.LostSlots += other.Reached.LostSlots;
        Reached.SlotsOfNewGroups += other.Reached.SlotsOfNewGroups;
        TraceHash ^= other.TraceHash;
    }

    private SimAbsence Begin()
    {
        Trace($"profile  {Profile}");
        _upgrader.Start();
        _nemesis.StartNodes();
        for (int i = 0; i < Profile.Clients; i++)
        {
            var client = new SimClient(i, this, Profile);
            _clients.Add(client);
            client.Start(_data is null
                ? new SimRegisters(client, this, Profile, new SimSession()).Run()
                : new SimTransactions(client, i, this, Profile, _data).Run());
        }

        if (_data is null)
        {
            StartPipeline();
        }

        _nemesis.Start();
        _operator.Start();
        var absence = new SimAbsence(this, Profile);
        absence.Start();
        new SimStall(this, Profile).Start();
        _backup.Start();
        if (Origin is { Resent: var resent })
        {
            var sender = new SimClient(Profile.Clients + Profile.PipelinedCalls + 1, this, Profile);
            _clients.Add(sender);
            sender.Start(resent);
        }

        return absence;
    }

    /// <summary>A client with many calls under way, in a few sessions.</summary>
    private void StartPipeline()
    {
        var pipeline = new SimPipeline(this, Profile);
        SimSession[] sessions = [new SimSession(), new SimSession(), new SimSession()];
        for (int i = 0; i < Profile.PipelinedCalls; i++)
        {
            var lane = new SimClient(Profile.Clients + 1 + i, this, Profile, pipeline);
            _clients.Add(lane);
            lane.Start(new SimRegisters(lane, this, Profile, sessions[i % sessions.Length]).Run());
        }
    }

    /// <summary>Holds what somebody saw as of one version to the law of the data.</summary>
    public void CheckLaw(IReadOnlyDictionary<string, string> rows, long version, string seenBy)
    {
        if (rows.Count == 0 && version < _laidOutBy)
        {
            return;
        }

        Audits++;
        string? flaw = rows.Count == _data!.Keys.Count
            ? _data.FindFlaw([.. _data.Keys.Select(key => rows[key])])
            : $"{rows.Count} of {_data.Keys.Count} keys are there";
        if (flaw is not null)
        {
            throw new SimFailureException($"{seenBy}, at version {version}: {flaw}");
        }

        _laidOutBy = Math.Min(_laidOutBy, version);
    }

    public void Dispose()
    {
        foreach (SimNode node in Nodes)
        {
            node.Dispose();
        }
    }

    /// <returns>Whether there is a quorum left to go on with.</returns>
    private bool Heal()
    {
        Trace($"healed");
        IsHealed = true;
        _operator.Heal();
        _nemesis.Heal();
        _upgrader.Heal();
        var probe = new SimClient(Profile.Clients, this, Profile);
        probe.Start(ProbeScript());
        long before = NowUs;
        if (!RunUntil(() => probe.IsDone, NowUs + LivenessUs + CatchUpUs))
        {
            if (Profile.ChangeEveryMs > 0 && _nemesis.HasLostQuorum)
            {
                // Nothing but an operator's recovery helps such a group, but nothing wrong may come of it either.
                Reached.LostQuorums++;
                return false;
            }

            throw new SimFailureException(
                $"not all is answered {(LivenessUs + CatchUpUs) / SimProfile.Second} s after all trouble ended");
        }

        RecoveryUs = NowUs - before;
        return true;
    }

    private void Converge()
    {
        foreach (SimClient client in _clients)
        {
            client.IsStopping = true;
        }

        bool isSettled = RunUntil(
            () => _clients.TrueForAll(client => client.IsDone)
                && HasRisen
                && Nodes.All(node => node.IsIdle && (node.IsGone
                    || (node.Store.AppliedSlot == Checker.AgreedSlot && !node.HasUnsoundData))),
            NowUs + SettleUs + CatchUpUs);
        Trace($"settled  {isSettled}");
        if (!HasRisen)
        {
            throw new SimFailureException(
                $"all members can follow feature level {FeatureLevels.Newest}, and the group is at"
                + $" {Checker.FeatureLevel}");
        }

        Checker.Converged();
        if (!isSettled)
        {
            throw new SimFailureException("the clients were not all answered, or a node is still at work");
        }
    }

    private IEnumerable<SimOp> ProbeScript()
    {
        for (int i = 0; i < 3; i++)
        {
            yield return MakeProbe(SimOpKind.Set);
        }

        yield return MakeProbe(SimOpKind.Read) with { Level = ReadLevel.Leader };
        for (int id = 0; id < Profile.AllNodes; id++)
        {
            if (!Nodes[id].IsGone)
            {
                yield return MakeProbe(SimOpKind.Read) with { Level = ReadLevel.ReadIndex, At = id };
            }
        }
    }

    private SimOp MakeProbe(SimOpKind kind) => new(NextOpId(), kind) { Keys = [Keys[^1]], MustSucceed = true };

    private void CheckLawEverywhere()
    {
        if (_data is null)
        {
            return;
        }

        foreach (SimNode node in Nodes.Where(node => !node.IsGone))
        {
            for (int i = 0; i < VersionsLookedAt; i++)
            {
                long oldest = Checker.Model.OldestReadableAt(Checker.AgreedSlot);
                var version = new CommitVersion(oldest + Random.Next((int)(Checker.Model.Version - oldest) + 1));
                var look = new SimReadAnswer(node.Self, null, 0, Checker.AgreedSlot);
                CheckLaw(
                    node.Store.ReadRange(look, _data.Keys[0], _data.Keys[^1], version).Rows!,
                    version.Value,
                    $"{node.Self} in the end");
            }
        }
    }

    /// <summary>Nobody writes any more, and still what was superseded leaves the window.</summary>
    private void CheckWindowEnds()
    {
        // After a wall clock that went back, a step of the longest window may be owed. A leader with a shorter one
        // pays a step of that each time it moves the window.
        long shortestMs = Math.Min(Profile.Retention.TimeMs, Profile.RetentionOfOddNodes.TimeMs);
        long owedSteps = LongestWindowMs / RetentionWindow.StepsPerWindow
            / Math.Max(1, shortestMs / RetentionWindow.StepsPerWindow);
        if (LongestWindowMs > LongestAwaitedWindowMs || owedSteps > MostOwedSteps)
        {
            return;
        }

        // A scrub may only now find what is damaged in a log, and its replica stop.
        if (!RunUntil(
            () => Nodes.All(node => node.IsGone || (!node.IsDown && node.Store.Executor.VersionsInWindow == 0)),
            NowUs + SettleUs))
        {
            throw new SimFailureException("versions that nobody writes any more never leave the window");
        }

        Reached.EndedWindows++;
    }

    /// <returns>Whether the condition came true before the moment did.</returns>
    private bool RunUntil(Func<bool> condition, long momentUs)
    {
        while (_events.TryPeek(out _, out (long Us, long Order) next) && next.Us <= momentUs)
        {
            Action action = _events.Dequeue();
            NowUs = next.Us;
            Events++;
            TraceHash = (TraceHash ^ (ulong)next.Us ^ Random.State) * 1_099_511_628_211;
            action();
            if (condition())
            {
                return true;
            }
        }

        NowUs = momentUs;
        return condition();
    }
}

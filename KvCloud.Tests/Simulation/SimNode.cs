using KvCloud.Consensus;
using KvCloud.Node.State;
using KvCloud.Protocol;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// One replica: the production core, executor and store, driven as the production driver drives them, on a simulated
/// disk and clock. What it does later it does only if it has not crashed meanwhile, and not before a pause is over.
/// </summary>
internal sealed class SimNode : IDisposable
{
    private readonly SimWorld _world;
    private readonly SimProfile _profile;
    private readonly List<Message> _inbox = [];
    private readonly List<Message> _released = [];
    private readonly SortedDictionary<NodeId, Promise> _oldPromises = [];
    private readonly SimProposals _proposals;
    private readonly SimReads _reads;
    private readonly Queue<(ChosenEntry Entry, SimAttempt[]? Attempts)> _chosen = [];
    private SimClock _clock;
    private Slot _restoredApplied;
    private bool _isTurnDue;
    private bool _isApplying;
    private long _incarnation;

    public SimNode(int id, SimWorld world, SimProfile profile)
    {
        _world = world;
        _profile = profile;
        Self = new NodeId(id);
        Log = new SimLog(this, world);
        Store = new SimStore();
        _clock = new SimClock(0, 1_000);
        _proposals = new SimProposals(this, world);
        _reads = new SimReads(this, world);
    }

    public NodeId Self { get; }

    public SimLog Log { get; }

    public SimStore Store { get; }

    /// <summary>Null while the node is down.</summary>
    public PaxosNode? Core { get; private set; }

    public long PausedUntilUs { get; private set; }

    /// <summary>The lease and the chosen slot as published before anything of the same turn was said.</summary>
    public (long LeaseUntilTick, Slot ChosenSlot) Published { get; private set; }

    public bool HasLease => Core is not null && _clock.TickAt(_world.NowUs) < Published.LeaseUntilTick;

    public bool IsIdle =>
        Core is not null && _chosen.Count == 0 && !_isApplying && _inbox.Count == 0 && _proposals.IsEmpty;

    public void Start()
    {
        _incarnation++;
        int drift = _profile.DriftPerMille;
        if (_world.Sabotage is Sabotage.ClocksDriftBeyondMargin)
        {
            drift = 600;
        }

        _clock = new SimClock(_world.NowUs, 1_000 - drift + _world.Random.Next((2 * drift) + 1));
        RestoredState restored = Restore();
        _world.Checker.Restarted(this, restored);
        Core = new PaxosNode(MakeConfig(), restored) { DurableSlot = Store.DurableSlot };
        _reads.Start(_world.Sabotage is Sabotage.ReusesReadIds ? 0 : _incarnation << 32);
        _world.Trace($"node-{Self.Value}   starts: promised={restored.Promised} chosen={restored.ChosenSlot}"
            + $"{SimTrace.Describe(restored.Entries)}");
        ScheduleTick();
    }

    /// <summary>Everything that was only in memory is gone, and what the disk had not taken yet.</summary>
    public void Crash()
    {
        _world.Trace($"node-{Self.Value}   crashes");
        _incarnation++;
        Core = null;
        Published = default;
        PausedUntilUs = 0;
        _inbox.Clear();
        _released.Clear();
        _oldPromises.Clear();
        _chosen.Clear();
        _isTurnDue = false;
        _isApplying = false;
        _proposals.Clear();
        _reads.Clear();
        Store.Crash();
        if (_world.Sabotage is Sabotage.AnswersAreForgotten)
        {
            Store.ForgetAnswers();
        }

        Log.Crash();
        _world.Checker.Crashed(this);
    }

    /// <summary>As SIGSTOP does: no tick, no message handled, until then.</summary>
    public void PauseUntil(long momentUs)
    {
        _world.Trace($"node-{Self.Value}   pauses for {(momentUs - _world.NowUs) / 1_000} ms");
        PausedUntilUs = Math.Max(PausedUntilUs, momentUs);
    }

    public void Resume() => PausedUntilUs = 0;

    public void Receive(Message message)
    {
        if (Core is null)
        {
            return;
        }

        if (message is Promise promise)
        {
            _oldPromises[promise.From] = promise;
        }

        _inbox.Add(message);
        ScheduleTurn();
    }

    /// <summary>A client's write arrives. False: nobody is there.</summary>
    public bool Write(SimAttempt attempt)
    {
        if (Core is null)
        {
            return false;
        }

        Later(0, () =>
        {
            _proposals.Add(attempt);
            ScheduleTurn();
        });
        return true;
    }

    /// <summary>A client's read arrives. False: nobody is there.</summary>
    public bool Read(SimRead read)
    {
        if (Core is null)
        {
            return false;
        }

        Later(0, () => _reads.Add(read));
        return true;
    }

    /// <summary>What is durable now may be said.</summary>
    public void Persisted(IReadOnlyList<Message> messages)
    {
        if (messages.Count > 0)
        {
            _released.AddRange(messages);
            Later(_world.Random.Next(200), Release);
        }
    }

    public void Checkpoint()
    {
        if (Core is not null && _world.NowUs >= PausedUntilUs)
        {
            Store.Flush();
        }
    }

    public void Trim()
    {
        if (Core is not null)
        {
            Slot trim = Slot.Min(Core.TrimSlot, Store.DurableSlot);
            if (trim >= Log.FirstSlot)
            {
                Log.TrimBelow(trim.Next);
            }
        }
    }

    public void Dispose() => Store.Dispose();

    /// <summary>Runs the action then, unless the node crashes before; once it is no longer paused.</summary>
    public void Later(long delayUs, Action action)
    {
        long incarnation = _incarnation;
        _world.After(delayUs, () => Run(incarnation, action));
    }

    public void ScheduleTurn()
    {
        if (!_isTurnDue)
        {
            _isTurnDue = true;
            Later(_world.Random.Next(100), Turn);
        }
    }

    private void Run(long incarnation, Action action)
    {
        if (incarnation != _incarnation || Core is null)
        {
            return;
        }

        if (_world.NowUs < PausedUntilUs)
        {
            _world.After(PausedUntilUs - _world.NowUs, () => Run(incarnation, action));
            return;
        }

        action();
    }

    private PaxosConfig MakeConfig() => new()
    {
        Self = Self,
        Voters = [.. Enumerable.Range(0, _profile.Nodes).Select(id => new NodeId(id))],
        Seed = _world.Random.NextUInt64(),
        MaxInFlightSlots = _profile.MaxInFlightSlots,
        MaxInFlightBytes = _profile.MaxInFlightBytes,
        MaxUnchosenBytes = _profile.MaxUnchosenBytes,
    };

    private RestoredState Restore()
    {
        Slot last = Log.ChosenSlot;
        if (last > Store.AppliedSlot)
        {
            Slot first = _world.Sabotage is Sabotage.AppliesTwice && Store.AppliedSlot > Log.FirstSlot
                ? Store.AppliedSlot
                : Store.AppliedSlot.Next;
            List<LogEntry> entries = Log.Read(first, last, int.MaxValue);
            if (entries.Count == 0 || entries[^1].Slot != last)
            {
                throw new SimFailureException(
                    $"{Self}: the log does not hold slots {first} to {last}, which are chosen and not in the data");
            }

            Apply([.. entries.Select(entry => new ChosenEntry(entry.Slot, entry.Value))], null);
        }

        // What the data has beyond that the core learns again, for its peers; applying skips it.
        _restoredApplied = Store.AppliedSlot;
        Slot chosen = Slot.Max(
            last, _world.Sabotage is Sabotage.RestoresFromData ? Store.AppliedSlot : Log.FirstSlot.Previous);
        return new RestoredState(Log.Promised, chosen, Log.Above(chosen));
    }

    private void ScheduleTick()
    {
        long next = _clock.MomentOf(_clock.TickAt(_world.NowUs) + 1);
        Later(next - _world.NowUs, () =>
        {
            Turn();
            ScheduleTick();
        });
    }

    private void Turn()
    {
        _isTurnDue = false;
        PaxosNode core = Core!;
        core.DurableSlot = Store.DurableSlot;
        long tick = _clock.TickAt(_world.NowUs);
        core.AdvanceTo(tick);
        Role before = core.Role;
        foreach (Message message in _inbox)
        {
            core.Step(message);
        }

        _inbox.Clear();
        _reads.Request(core);
        _proposals.Pump(core);
        CarryOut(core.TakeEffects());
        if (core.Role != before)
        {
            _world.Trace($"node-{Self.Value}   is {core.Role} at tick {tick}, ballot {core.Ballot}, "
                + $"promised {core.Promised}, chosen {core.ChosenSlot}");
        }

        if (_world.Sabotage is Sabotage.CountsStalePromises && core.Role == Role.Candidate && before != Role.Candidate)
        {
            _inbox.AddRange(_oldPromises.Values.Select(promise => promise with { Ballot = core.Promised }));
            ScheduleTurn();
        }

        _world.Checker.TurnEnded(this, before);
    }

    private void CarryOut(Effects effects)
    {
        Published = (Core!.LeaseUntilTick, Core.ChosenSlot);
        foreach (Message message in effects.Send)
        {
            _world.Network.Send(message);
        }

        if (_world.Sabotage is Sabotage.SpeaksBeforePersist)
        {
            Say(effects.SendAfterPersist);
        }

        if (effects.HasLogWrite || effects.SendAfterPersist.Count > 0)
        {
            Log.Write(effects);
        }

        foreach (ChosenEntry entry in effects.Chosen)
        {
            _world.Checker.Chosen(this, entry);
            SimAttempt[]? attempts = _proposals.TakeChosen(entry);
            bool isSkipped = _world.Sabotage is Sabotage.SkipsSlot && _world.Random.Chance(5);
            if (entry.Slot > _restoredApplied && !isSkipped)
            {
                _chosen.Enqueue((entry, attempts));
            }
        }

        foreach (ReadIndexResult result in effects.Reads)
        {
            _reads.Complete(result);
        }

        foreach (CatchUpOrder order in effects.CatchUps)
        {
            ServeCatchUp(order);
        }

        ScheduleApply();
    }

    private void Release()
    {
        Message[] messages = [.. _released];
        _released.Clear();
        Say(messages);
    }

    private void Say(IReadOnlyList<Message> messages)
    {
        foreach (Message message in messages)
        {
            _world.Checker.Said(this, message);
            if (message.To == Self)
            {
                Receive(message);
            }
            else
            {
                _world.Network.Send(message);
            }
        }
    }

    private void ServeCatchUp(CatchUpOrder order) => Later(_world.Random.Next(2_000), () =>
    {
        // Only what the log has noted as chosen: what is on its way there may still be a value that lost.
        Slot to = _world.Sabotage is Sabotage.CatchUpReadsAheadOfLog
            ? order.ToSlot
            : Slot.Min(order.ToSlot, Log.ChosenSlot);
        List<LogEntry> entries = Log.Read(order.FromSlot, to, 1 + _world.Random.Next(20));
        Say([new CatchUpReply(Self, order.To, Log.FirstSlot, order.ToSlot, entries)]);
    });

    private void ScheduleApply()
    {
        if (_isApplying || _chosen.Count == 0)
        {
            return;
        }

        _isApplying = true;
        Later(_world.Random.Next(_profile.ApplyMaxMs * 1_000), () =>
        {
            _isApplying = false;
            (ChosenEntry Entry, SimAttempt[]? Attempts)[] taken = [.. _chosen];
            _chosen.Clear();
            Apply([.. taken.Select(item => item.Entry)], [.. taken.Select(item => item.Attempts)]);
            _reads.Release();
            ScheduleApply();
        });
    }

    private void Apply(List<ChosenEntry> entries, List<SimAttempt[]?>? attempts)
    {
        Slot first = entries[0].Slot;
        Store.Apply(entries, (Slot slot, int index, in CommandResult result) =>
        {
            _world.Checker.Applied(this, slot, index, result);
            SimAttempt[]? own = attempts?[(int)(slot.Value - first.Value)];
            own?[index].Answer(_world, result);
        });
        _world.Checker.AppliedUpTo(this);
    }
}

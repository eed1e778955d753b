using KvCloud.Consensus;
using KvCloud.Node.Cluster;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication.Log;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// Sees everything that happens in the world and holds it to what must always be true. What it remembers survives every
/// crash: a promise once made, a slot once chosen and an answer once given bind for ever.
/// </summary>
internal sealed class SimChecker(SimWorld world)
{
    private readonly List<Value> _agreed = [];
    private readonly Dictionary<(long Slot, Ballot Origin), SimAttempt[]> _proposed = [];
    private readonly Dictionary<long, ulong> _hashes = [];
    private readonly SimModel _model = world.Origin?.Model ?? new(world.Profile.SessionLimits);

    /// <summary>Where the log of a group begins that was made of another.</summary>
    private readonly Slot _firstSlot = world.Origin?.Slot ?? Slot.Zero;
    private readonly Slot[] _handedOut = new Slot[world.Profile.AllNodes];
    private readonly Slot[] _applied = new Slot[world.Profile.AllNodes];
    private readonly SortedDictionary<long, Ballot>[] _toldVotes =
        [.. Enumerable.Range(0, world.Profile.AllNodes).Select(_ => new SortedDictionary<long, Ballot>())];

    private readonly List<(long AtUs, Slot Slot)> _floors = [(0, world.Origin?.Slot ?? Slot.Zero)];
    private readonly HashSet<long> _rises = [];
    private readonly List<GroupMembers> _members =
        [GroupMembers.Initial(Enumerable.Range(0, world.Profile.Nodes).Select(id => new NodeId(id)))];
    private bool _isAheadOfHandingOut;
    private readonly Ballot[] _toldPromise = [.. Enumerable.Repeat(Ballot.Zero, world.Profile.AllNodes)];

    /// <summary>What the latest answered operation had seen; later ones must see no less.</summary>
    public Slot Floor { get; private set; } = world.Origin?.Slot ?? Slot.Zero;

    public SimModel Model => _model;

    /// <summary>Of the newest slot that is known to be chosen.</summary>
    public GroupMembers Members => _members[^1];

    /// <summary>As of the newest slot that is known to be chosen.</summary>
    public int FeatureLevel { get; private set; } = world.Origin?.FeatureLevel ?? FeatureLevels.First;

    /// <summary>Those before <see cref="Members"/>: needed as long as no replica knows of these.</summary>
    public GroupMembers FormerMembers => _members.Count > 1 ? _members[^2] : GroupMembers.None;

    /// <summary>From the first to the newest.</summary>
    public IReadOnlyList<GroupMembers> AllMembers => _members;

    public int Answers { get; private set; }

    public int Reads { get; private set; }

    public Slot AgreedSlot => new(_firstSlot.Value + _agreed.Count);

    /// <summary>Every write of a session that stands in the agreed log.</summary>
    public IEnumerable<SimOp> OpsOfSessions => AgreedSlots
        .SelectMany(AttemptsIn).Select(attempt => attempt.Op).Where(op => op.Identity is not null);

    private IEnumerable<Slot> AgreedSlots =>
        Enumerable.Range(1, _agreed.Count).Select(index => new Slot(_firstSlot.Value + index));

    // ---- Consensus ----

    public void Crashed(SimNode node) => _applied[node.Self.Value] = node.Store.AppliedSlot;

    /// <summary>Its disk is empty. What comes back is another replica, which has told nothing.</summary>
    public void Wiped(SimNode node)
    {
        _toldPromise[node.Self.Value] = Ballot.Zero;
        _toldVotes[node.Self.Value].Clear();
        Crashed(node);
    }

    /// <summary>A node is about to start with what its disk has: that must be all it has ever told of.</summary>
    public void Restarted(SimNode node) => Restarted(node, node.Log!);

    /// <param name="log">What is left of the node's log.</param>
    public void Restarted(SimNode node, IPaxosLog log)
    {
        int id = node.Self.Value;
        Require(
            log.Promised >= _toldPromise[id],
            $"{node.Self} promised {_toldPromise[id]} and came back with {log.Promised}");
        var chosen = Slot.Max(log.ChosenSlot, log.FirstSlot.Previous);
        var held = log.Read(log.FirstSlot, log.LastSlot, int.MaxValue)
            .ToDictionary(entry => entry.Slot.Value);
        for (Slot slot = log.FirstSlot; slot <= chosen; slot = slot.Next)
        {
            // It will serve these to others, from its log.
            LogEntry? entry = held.GetValueOrDefault(slot.Value);
            Require(
                entry is not null && IsAgreed(node, entry),
                $"{node.Self} starts with slot {chosen} as chosen, but in slot {slot} its log holds "
                + $"{entry?.Value.ToString() ?? "nothing"}");
        }

        foreach ((long slot, Ballot ballot) in _toldVotes[id])
        {
            Require(
                slot <= chosen.Value || (held.TryGetValue(slot, out LogEntry? entry) && entry.Accepted >= ballot),
                $"{node.Self} voted for slot {slot} at {ballot}, and came back without that vote");
        }

        _handedOut[id] = chosen;
        _applied[id] = node.Store.AppliedSlot;
    }

    /// <summary>A promise or a vote leaves the node, and binds it for ever. What it calls chosen must be so.</summary>
    public void Said(SimNode node, Message message)
    {
        int id = node.Self.Value;
        if (message is Promise promise)
        {
            _toldPromise[id] = Ballot.Max(_toldPromise[id], promise.Ballot);
        }
        else if (message is Accepted accepted)
        {
            _toldPromise[id] = Ballot.Max(_toldPromise[id], accepted.Ballot);
            foreach (Slot slot in accepted.Slots)
            {
                Ballot told = _toldVotes[id].GetValueOrDefault(slot.Value, Ballot.Zero);
                _toldVotes[id][slot.Value] = Ballot.Max(told, accepted.Ballot);
            }
        }
        else if (message is CatchUpReply reply)
        {
            foreach (LogEntry entry in reply.Entries)
            {
                Require(
                    IsAgreed(node, entry),
                    $"{node.Self} tells {reply.To} that {entry.Value} is chosen in slot {entry.Slot}, which is not so");
            }
        }
    }

    public void Proposed(Slot slot, Ballot ballot, SimAttempt[] attempts) =>
        _proposed.Add((slot.Value, ballot), attempts);

    public void Chosen(SimNode node, in ChosenEntry entry)
    {
        int id = node.Self.Value;
        Require(
            entry.Slot == _handedOut[id].Next,
            $"{node.Self} hands out slot {entry.Slot} after slot {_handedOut[id]}");
        _handedOut[id] = entry.Slot;
        _isAheadOfHandingOut &= entry.Slot < AgreedSlot;
        Agree(node, entry);
    }

    private void Agree(SimNode node, in ChosenEntry entry)
    {
        if (entry.Slot <= AgreedSlot)
        {
            Value agreed = AgreedIn(entry.Slot);
            Require(
                agreed.IsSameAs(entry.Value) && agreed.Payload.Span.SequenceEqual(entry.Value.Payload.Span),
                $"two values for slot {entry.Slot}: {agreed}, and on {node.Self} {entry.Value}");
            return;
        }

        Require(entry.Slot == AgreedSlot.Next, $"slot {entry.Slot} is chosen on {node.Self} before the one below it");
        _agreed.Add(entry.Value);
        SimAttempt[] attempts = [];
        BatchHeader? header = null;
        if (entry.Value.Kind == ValueKind.Commands)
        {
            Require(
                CommandBatch.TryOpen(entry.Value.Payload, out CommandBatch batch, out string? error),
                $"slot {entry.Slot} holds what is no batch: {error}");
            header = batch.Header;
            Require(
                _proposed.TryGetValue((entry.Slot.Value, entry.Value.Origin), out attempts!),
                $"slot {entry.Slot} holds {entry.Value}, which nobody proposed there");
            CheckRise(entry.Slot, batch);
        }

        if (entry.Value.Kind == ValueKind.Membership)
        {
            _members.Add(GroupMembers.Decode(entry.Slot, entry.Value.Payload.Span));
            world.Reached.MemberChanges++;
            world.Reached.JointGroups += Members.IsJoint ? 1 : 0;
            world.Trace($"members  {Members}");
        }

        foreach (SimAttempt attempt in attempts)
        {
            Require(
                !attempt.IsRefused, $"{attempt.Op} attempt {attempt.Number} was refused, and is chosen all the same");
        }

        SimIdentity? first = Array.Find(attempts, attempt => attempt.Op.Identity is not null)?.Op.Identity;
        bool isShared = Array.Exists(
            attempts, attempt => attempt.Op.Identity is SimIdentity other && other.Session != first!.Value.Session);
        world.Reached.SharedSlots += isShared ? 1 : 0;
        _model.Apply(entry.Slot, header, attempts);
        world.Trace(
            $"chosen   slot {entry.Slot} = {entry.Value} {string.Join(", ", attempts.Select(item => item.Op))}");
    }

    /// <summary>A batch without a client's write may hold a rise of the feature level, which all must follow.</summary>
    private void CheckRise(Slot slot, CommandBatch batch)
    {
        foreach (int level in RisesIn(batch))
        {
            _rises.Add(slot.Value);
            world.Reached.LevelRises++;
            FeatureLevel = Math.Max(FeatureLevel, level);
            _model.RaiseTo(level);
            world.Trace($"level    rises to {level} in slot {slot}");
            foreach (GroupMember member in Members.Members)
            {
                SimNode node = world.Nodes[member.Id.Value];
                Require(
                    node.Release.SupportedLevel >= level,
                    $"slot {slot} raises the feature level to {level}, which {node.Self} cannot follow: it runs"
                    + $" {node.Release}");
            }
        }
    }

    public void Stepped(SimNode node, Role before)
    {
        // By members of long ago somebody may still be elected, but get nothing chosen and confirm no read.
        bool leadsAnew = world.Profile.ChangeEveryMs == 0
            ? before != Role.Leader
            : node.Core!.ChosenSlot >= node.Core.OpeningSlot;
        if (node.Core!.Role == Role.Leader && leadsAnew)
        {
            // A late leader of a lower ballot can get nothing chosen and confirm no read: it does no harm.
            SimNode? other = world.Nodes.FirstOrDefault(
                item => item != node && item.HasLease && item.Core!.Ballot < node.Core.Ballot);
            Require(
                other is null,
                $"{node.Self} leads at {node.Core.Ballot} while the lease of {other?.Self} at {other?.Core?.Ballot}"
                + " holds");
        }

        Require(
            node.Core.TrimSlot <= world.LeastDurable,
            $"{node.Self} would trim up to slot {node.Core.TrimSlot}, which is not everywhere in the data");
    }

    // ---- What a new group is made of ----

    public Value AgreedIn(Slot slot) => _agreed[(int)(slot.Value - _firstSlot.Value) - 1];

    /// <summary>At which ballots the node has told that it voted, by slot.</summary>
    public IReadOnlyDictionary<long, Ballot> ToldVotes(SimNode node) => _toldVotes[node.Self.Value];

    /// <summary>A model of its own, of the agreed log up to a slot.</summary>
    public SimModel Replay(Slot upTo)
    {
        var model = new SimModel(world.Profile.SessionLimits);
        foreach (Slot slot in AgreedSlots.TakeWhile(slot => slot <= upTo))
        {
            ReplayInto(model, slot, AgreedIn(slot));
        }

        return model;
    }

    /// <summary>As a restore does: the snapshot, and the log behind it up to the version.</summary>
    public SimModel Replay(Slot snapshot, long version)
    {
        SimModel model = Replay(snapshot);
        foreach (Slot slot in AgreedSlots.SkipWhile(slot => slot <= snapshot))
        {
            if (model.Version >= version)
            {
                break;
            }

            ReplayInto(model, slot, AgreedIn(slot), version);
        }

        return model;
    }

    /// <summary>Applies a value that somebody proposed for the slot, whether or not it was chosen there.</summary>
    public void ReplayInto(SimModel model, Slot slot, Value value, long last = long.MaxValue)
    {
        BatchHeader? header = null;
        SimAttempt[] attempts = [];
        if (value.Kind == ValueKind.Commands)
        {
            Require(
                CommandBatch.TryOpen(value.Payload, out CommandBatch batch, out _)
                && _proposed.TryGetValue((slot.Value, value.Origin), out attempts!),
                $"slot {slot} is to hold {value}, which nobody proposed there");
            header = batch.Header;
            foreach (int level in RisesIn(batch))
            {
                model.RaiseTo(level);
            }
        }

        model.Apply(slot, header, attempts, last);
    }

    private static List<int> RisesIn(CommandBatch batch)
    {
        List<int> levels = [];
        foreach (ReadOnlyMemory<byte> encoding in batch)
        {
            if (CommandCodec.TryDecode(encoding, out KvCommand? command, out _)
                && command is RaiseFeatureLevelCommand raise)
            {
                levels.Add(raise.Level);
            }
        }

        return levels;
    }

    private SimAttempt[] AttemptsIn(Slot slot) =>
        _proposed.GetValueOrDefault((slot.Value, AgreedIn(slot).Origin), []);

    // ---- State ----

    public void Applied(SimNode node, Slot slot, int index, in CommandResult result)
    {
        if (_rises.Contains(slot.Value))
        {
            Require(result.Code == KvStatus.Ok, $"{node.Self} slot {slot}: a rise of the level is {result.Code}");
            return;
        }

        SimModel.Outcome expected = _model.OutcomeOf(slot, index);
        RequireState(
            expected.Code == result.Code && (result.Code != KvStatus.Ok || expected.Version == result.Version.Value),
            $"{node.Self} slot {slot} command {index}: {result.Code} version {result.Version} {result.Message}, "
            + $"should be {expected.Code} version {expected.Version}");
    }

    public void AppliedUpTo(SimNode node)
    {
        int id = node.Self.Value;
        node.Store.NoteApplied();
        Slot slot = node.Store.AppliedSlot;
        Require(slot > _applied[id], $"{node.Self} applied slot {slot} after slot {_applied[id]}");
        Require(slot <= AgreedSlot, $"{node.Self} applied slot {slot}, which is not chosen");
        _applied[id] = slot;
        if (world.Profile.HasUsers)
        {
            string? difference = _model.Access.FindDifference(node.Store.Executor.Reader.Access, slot);
            Require(difference is null, $"{node.Self} at slot {slot} {difference}");
        }

        if (!_hashes.TryAdd(slot.Value, node.Store.Hash))
        {
            RequireState(
                _hashes[slot.Value] == node.Store.Hash, $"{node.Self} has another state than others at slot {slot}");
        }
    }

    /// <summary>
    /// Any read: what it sees is the state at the slot that its store had applied, or at its version.
    /// </summary>
    public void Saw(SimNode node, SimOp op, in SimReadAnswer answer)
    {
        Reads++;
        world.Reached.TooOldReads += answer.IsTooOld ? 1 : 0;
        switch (op.Kind)
        {
            case SimOpKind.GetReadVersion:
                RequireState(
                    answer.Version == _model.VersionAt(answer.AppliedSlot),
                    $"{node.Self} has version {answer.Version} at slot {answer.AppliedSlot}, should be "
                    + $"{_model.VersionAt(answer.AppliedSlot)}");
                break;
            case SimOpKind.Range:
                foreach (string key in op.Keys)
                {
                    (string? value, _) = _model.ValueAt(key, answer.AppliedSlot);
                    RequireState(
                        value == answer.Rows!.GetValueOrDefault(key),
                        $"{node.Self} shows {key} = {answer.Rows!.GetValueOrDefault(key) ?? "nothing"} "
                        + "in a range at slot "
                        + $"{answer.AppliedSlot}, should be {value ?? "nothing"}");
                }

                break;
            case SimOpKind.SnapshotRead:
                SawAt(node, op.Keys[0], op.ReadVersion, answer);
                break;
            case SimOpKind.SnapshotRange:
                foreach (string key in op.Keys)
                {
                    SawAt(node, key, op.ReadVersion, answer with { Value = answer.Rows?.GetValueOrDefault(key) });
                }

                break;
            default:
                SawNewest(node, op.Keys[0], answer);
                break;
        }
    }

    /// <summary>
    /// A replica has found that a peer had another state at the same slot. An alarm that is false is a fault too.
    /// </summary>
    public void Alarmed(SimNode node, in Divergence found) => throw new SimFailureException(
        $"{node.Self} raises the alarm: {found.Peer} had another state at slot {found.Slot}");

    public void AlarmedOfRows(SimNode node, in Divergence found) => throw new SimFailureException(
        $"{node.Self} raises the alarm of rows: {found.Peer} had stored others at slot {found.Slot}");

    // ---- Clients ----

    public void Answered(SimAttempt attempt, in CommandResult result)
    {
        Slot? slot = _model.RanAt(attempt);
        Require(slot is not null, $"{attempt.Op} was answered {result.Code}, but no slot holds it");
        Answers++;
    }

    public void Refused(SimAttempt attempt) => Require(
        _model.RanAt(attempt) is null,
        $"{attempt.Op} attempt {attempt.Number} was refused, but slot {_model.RanAt(attempt)} holds it");

    /// <summary>
    /// The client has the answer to its write: in real time it came after all that was answered before it began.
    /// </summary>
    public void WriteEnded(SimAttempt attempt, in CommandResult result)
    {
        SimModel.Outcome outcome = OutcomeOf(attempt);
        RequireState(
            result.Code == outcome.Code && (result.Code != KvStatus.Ok || result.Version.Value == outcome.Version),
            $"{attempt.Op} was answered {result.Code} version {result.Version}, the log says {outcome.Code} "
            + $"version {outcome.Version}");
        Require(
            outcome.Slot > attempt.Op.Floor,
            $"{attempt.Op} took effect in slot {outcome.Slot}, before it began: slot {attempt.Op.Floor} was seen by"
            + " then");
        world.Reached.DeniedWrites += outcome.Code == KvStatus.PermissionDenied ? 1 : 0;
        world.Reached.ChangedRights += attempt.Op.Access is not null && outcome.Code == KvStatus.Ok ? 1 : 0;
        world.Reached.ExpiredSessions += outcome.Code == KvStatus.SessionExpired ? 1 : 0;
        world.Reached.TooOldCommits += outcome.Code == KvStatus.VersionTooOld ? 1 : 0;
        RaiseFloor(outcome.Slot);
    }

    /// <summary>The client has what it read, from when it sent its request on.</summary>
    public void ReadEnded(SimOp op, in SimReadAnswer answer)
    {
        if (!op.IsLinearizable)
        {
            if (op.Kind == SimOpKind.Read)
            {
                CheckStaleness(op, answer);
            }

            return;
        }

        Require(
            answer.AppliedSlot >= op.Floor,
            $"{op} on {answer.Node} saw slot {answer.AppliedSlot}; slot {op.Floor} was seen before it began");
        RaiseFloor(answer.AppliedSlot);
    }

    /// <summary>All that are there have applied the same, and show it.</summary>
    public void Converged()
    {
        foreach (SimNode node in world.Nodes)
        {
            if (node.IsGone)
            {
                continue;
            }

            Require(
                node.Store.AppliedSlot == AgreedSlot,
                $"{node.Self} has applied slot {node.Store.AppliedSlot} of {AgreedSlot}");
            Require(
                node.Store.Executor.Applied.FeatureLevel == FeatureLevel,
                $"{node.Self} is at feature level {node.Store.Executor.Applied.FeatureLevel}, not {FeatureLevel}");
            foreach (string key in world.Keys)
            {
                SimReadAnswer look = new(node.Self, null, 0, AgreedSlot);
                SawNewest(node, key, node.Store.Read(look, key));
                if (!SimModel.IsOfFamily(key))
                {
                    long at = _model.FirstVersion
                        + world.Random.Next((int)(_model.Version - _model.FirstVersion) + 1);
                    SawAt(node, key, at, node.Store.Read(look, key, new CommitVersion(at)));
                }
            }
        }
    }

    private void RaiseFloor(Slot slot)
    {
        if (slot > Floor)
        {
            Floor = slot;
            _floors.Add((world.NowUs, slot));
        }
    }

    /// <summary>
    /// A local read must not miss what was answered longer ago than max_staleness_ms, by its node's clock.
    /// </summary>
    private void CheckStaleness(SimOp op, in SimReadAnswer answer)
    {
        long staleUs = world.Profile.MaxStalenessMs * SimProfile.Millisecond;
        long beforeUs = op.SentUs - (staleUs * 1_000 / (1_000 - world.Profile.DriftPerMille)) - (
            20 * SimProfile.Millisecond);
        int index = _floors.FindLastIndex(floor => floor.AtUs <= beforeUs);
        Require(
            index < 0 || answer.AppliedSlot >= _floors[index].Slot,
            $"{op} on {answer.Node} saw slot {answer.AppliedSlot}; "
            + $"slot {(index < 0 ? default : _floors[index].Slot)} was answered "
            + $"longer ago than {world.Profile.MaxStalenessMs} ms");
    }

    private void SawNewest(SimNode node, string key, in SimReadAnswer answer)
    {
        (string? value, long version) = SimModel.IsOfFamily(key) && !_model.HasFamilyAt(answer.AppliedSlot)
            ? (SimStore.NoFamily, 0)
            : _model.ValueAt(key, answer.AppliedSlot);
        RequireState(
            value == answer.Value && version == answer.Version,
            $"{node.Self} shows {key} = {answer.Value ?? "nothing"} version {answer.Version} at slot "
            + $"{answer.AppliedSlot}, should be {value ?? "nothing"} version {version}");
    }

    private void SawAt(SimNode node, string key, long version, in SimReadAnswer answer)
    {
        long oldest = _model.OldestReadableAt(answer.AppliedSlot);
        RequireState(
            answer.IsTooOld == version < oldest,
            $"{node.Self} {(answer.IsTooOld ? "refuses to read" : "reads")} at version {version} at slot "
            + $"{answer.AppliedSlot}, where version {oldest} is the oldest that can be read");
        string? value = answer.IsTooOld ? null : _model.ValueAtVersion(key, version);
        RequireState(
            value == answer.Value,
            $"{node.Self} shows {key} = {answer.Value ?? "nothing"} at version {version}, "
            + $"should be {value ?? "nothing"}");
    }

    /// <summary>
    /// A log knows a change of members to be chosen, and what lies behind it, before anybody hands it out.
    /// </summary>
    private bool IsAgreed(SimNode node, LogEntry entry)
    {
        if (entry.Slot == AgreedSlot.Next
            && (entry.Value.Kind == ValueKind.Membership || _isAheadOfHandingOut || HasQuorumOfVotes(node, entry)))
        {
            _isAheadOfHandingOut = true;
            Agree(node, new ChosenEntry(entry.Slot, entry.Value));
        }

        return entry.Slot <= AgreedSlot && entry.Value.IsSameAs(AgreedIn(entry.Slot));
    }

    /// <summary>
    /// Whether a quorum has voted for the entry, of which the node itself may be one that has told nobody: it may know
    /// that its slot is chosen, and crash before it hands it out.
    /// </summary>
    private bool HasQuorumOfVotes(SimNode node, LogEntry entry) => SimQuorum.IsIn(
        Members,
        id => id == node.Self
            || _toldVotes[id.Value].GetValueOrDefault(entry.Slot.Value, Ballot.Zero) == entry.Accepted);

    /// <summary>Of what the state machine makes of the log; blind where the replicas themselves must find it.</summary>
    private void RequireState(bool condition, string message) =>
        Require(condition || world.Sabotage is Sabotage.SessionLimitsDiffer or Sabotage.StoreDropsRow, message);

    private static void Require(bool condition, string message)
    {
        if (!condition)
        {
            throw new SimFailureException(message);
        }
    }

    private SimModel.Outcome OutcomeOf(SimAttempt attempt)
    {
        Slot slot = _model.RanAt(attempt) ?? throw new SimFailureException(
            $"{attempt.Op} was answered, but no slot holds it");
        return _model.OutcomeOf(slot, Array.IndexOf(AttemptsIn(slot), attempt));
    }
}

namespace KvCloud.Consensus;

/// <summary>
/// One term of this node as leader, from the quorum of promises until it steps down: it proposes, stays in contact with
/// its quorum, and confirms reads. Each term is a new object, so nothing counted for one ballot can be counted for
/// another.
/// </summary>
internal sealed class Leadership
{
    /// <summary>An Accept is split into messages of about this many bytes.</summary>
    private const int AcceptMessageBytes = 1024 * 1024;

    private readonly Proposer _proposer;
    private readonly Membership _members;
    private readonly PaxosConfig _config;
    private readonly Acceptor _acceptor;
    private readonly Learner _learner;
    private readonly LogRetention _retention;
    private readonly StepContext _step;
    private readonly HeartbeatRounds _rounds;
    private readonly ReadIndexQueue _reads = new();
    private readonly List<ReadIndexQueue.Read> _settled = [];
    private Slot _toldChosen;

    public Leadership(
        Proposer proposer,
        Membership members,
        PaxosConfig config,
        Acceptor acceptor,
        Learner learner,
        LogRetention retention,
        StepContext step)
    {
        _proposer = proposer;
        _members = members;
        _config = config;
        _acceptor = acceptor;
        _learner = learner;
        _retention = retention;
        _step = step;
        _rounds = new HeartbeatRounds(members, step.Now);
    }

    public Ballot Ballot => _proposer.Ballot;

    /// <summary>The slot of the no-op that opened this term.</summary>
    public Slot OpeningSlot => _proposer.OpeningSlot;

    public int InFlightSlots => _proposer.InFlightSlots;

    /// <summary>See <see cref="PaxosNode.LeaseUntilTick"/>.</summary>
    public long LeaseUntilTick =>
        HasOpened && _rounds.ConfirmedRound > 0 ? _rounds.ConfirmedSentTick + _config.LeaseTicks : 0;

    /// <summary>Ticks since the latest round answered by a quorum was sent.</summary>
    public long TicksOutOfTouch => _step.Now - _rounds.ConfirmedSentTick;

    private bool HasOpened => _learner.ChosenSlot >= _proposer.OpeningSlot;

    /// <summary>Proposes again every value that may have been chosen before, then a no-op of its own.</summary>
    /// <returns>The node from which to fetch slots that were chosen before and are unknown here.</returns>
    public NodeId Open()
    {
        IReadOnlyList<Value> values = _proposer.Lead(_learner.ChosenSlot, out Slot chosenElsewhere, out NodeId source);
        _learner.NoteChosen(chosenElsewhere);
        foreach (Value value in values)
        {
            Propose(value);
        }

        BeginRound();
        return source;
    }

    public void Tick()
    {
        if (_step.Now - _rounds.LastSentTick >= _config.HeartbeatTicks || _learner.ChosenSlot > _toldChosen)
        {
            BeginRound();
        }

        foreach (NodeId peer in _members.Others)
        {
            SendAccepts(peer, _proposer.Overdue(peer, _step.Now));
        }

        _proposer.NoteResent(_step.Now);
    }

    public bool HasRoomFor(int bytes)
    {
        bool spread = _proposer.NextSlot.Value - _learner.ChosenSlot.Value > 4L * _config.MaxInFlightSlots;
        return !spread && _proposer.HasRoomFor(bytes);
    }

    public Slot Propose(ValueKind kind, ReadOnlyMemory<byte> payload) => Propose(new Value(Ballot, kind, payload));

    /// <summary>Ends the step: sends what was proposed in it, and begins a round for the reads that arrived.</summary>
    public void Flush()
    {
        SendProposed();

        // Until its own no-op is chosen, a new leader may not know everything chosen before (Ongaro's thesis, 6.4).
        if (_reads.NeedsRound && HasOpened)
        {
            _reads.Begin(_rounds.LastRound + 1, _learner.ChosenSlot);
            BeginRound();
        }
    }

    public void OnAccepted(Accepted message)
    {
        if (message.Ballot != Ballot)
        {
            return;
        }

        foreach (Slot slot in message.Slots)
        {
            if (_proposer.CountAccepted(message.From, slot) is Value value)
            {
                _learner.MarkChosen(slot, value, _step.Effects);
            }
        }
    }

    public void OnHeartbeatReply(HeartbeatReply message)
    {
        if (message.Ballot == Ballot && _rounds.Answer(message.From, message.Round, message.DurableSlot))
        {
            SettleReads();
        }
    }

    public void AddRead(NodeId from, long id) => _reads.Add(from, id);

    /// <summary>Ends the term: every waiting read is unconfirmed.</summary>
    public void End()
    {
        _settled.Clear();
        _reads.TakeAll(_settled);
        AnswerReads(confirmed: false, Slot.Zero);
    }

    /// <summary>Whether a chosen entry lies where this leader proposes, but is not what it proposed there.</summary>
    public bool IsContradictedBy(LogEntry entry)
    {
        if (entry.Slot <= _learner.ChosenSlot || entry.Slot < _proposer.FirstSlot)
        {
            return false;
        }

        LogEntry? own = _acceptor.Find(entry.Slot);
        return own is null || own.Accepted != Ballot || !own.Value.IsSameAs(entry.Value);
    }

    private Slot Propose(Value value)
    {
        Slot slot = _proposer.Propose(value, _step.Now);
        Invariant.Check(_acceptor.Promised == Ballot, "a leader's own acceptor is bound to another ballot");
        _acceptor.Accept(slot, value, _step.Effects);
        return slot;
    }

    private void SendProposed()
    {
        IReadOnlyList<LogEntry> entries = _proposer.TakeUnsent();
        if (entries.Count == 0)
        {
            return;
        }

        foreach (NodeId peer in _members.Others)
        {
            SendAccepts(peer, entries);
        }

        Slot[] slots = [.. entries.Select(entry => entry.Slot)];
        _step.Effects.SendAfterPersist.Add(new Accepted(_members.Self, _members.Self, Ballot, slots));
        _toldChosen = _learner.ChosenSlot;
    }

    private void SendAccepts(NodeId peer, IReadOnlyList<LogEntry> entries)
    {
        int start = 0;
        int bytes = 0;
        for (int i = 0; i < entries.Count; i++)
        {
            bytes += entries[i].Value.Payload.Length;
            if (bytes >= AcceptMessageBytes || i == entries.Count - 1)
            {
                IReadOnlyList<LogEntry> part = start == 0 && i == entries.Count - 1
                    ? entries
                    : [.. entries.Skip(start).Take(i - start + 1)];
                _step.Effects.Send.Add(new Accept(_members.Self, peer, Ballot, _learner.ChosenSlot, part));
                start = i + 1;
                bytes = 0;
            }
        }
    }

    private void BeginRound()
    {
        long round = _rounds.Begin(_step.Now, _retention.NotNeededUpTo);
        _retention.NoteNotNeeded(_rounds.DurableEverywhere());
        _toldChosen = _learner.ChosenSlot;
        foreach (NodeId peer in _members.Others)
        {
            _step.Effects.Send.Add(new Heartbeat(
                _members.Self, peer, Ballot, round, _learner.ChosenSlot, _retention.TrimSlot));
        }

        SettleReads();
    }

    private void SettleReads()
    {
        _settled.Clear();
        Slot slot = _reads.TakeConfirmed(_rounds.ConfirmedRound, _settled);
        AnswerReads(confirmed: true, slot);
    }

    private void AnswerReads(bool confirmed, Slot slot)
    {
        foreach (ReadIndexQueue.Read read in _settled)
        {
            if (read.From == _members.Self)
            {
                _step.Effects.Reads.Add(new ReadIndexResult(read.Id, confirmed, slot));
            }
            else
            {
                _step.Effects.Send.Add(new ReadIndexReply(_members.Self, read.From, read.Id, confirmed, slot));
            }
        }

        _settled.Clear();
    }
}

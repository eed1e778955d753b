using KvCloud.Consensus;

namespace KvCloud.Tests.Consensus;

/// <summary>
/// One core with a disk that takes every write at once. What it says to others is kept for the test to look at; what it
/// says to itself is stepped.
/// </summary>
internal sealed class NodeUnderTest
{
    private readonly PaxosConfig _config;
    private readonly SortedDictionary<long, LogEntry> _log = [];
    private readonly List<Effects> _unwritten = [];
    private Slot _loggedChosen;

    /// <param name="voters">How many the group begins with; 0 for a node that is added later.</param>
    public NodeUnderTest(int id, int voters = 3, RestoredState? restored = null)
    {
        _config = new PaxosConfig
        {
            Self = new NodeId(id),
            Voters = [.. Enumerable.Range(0, voters).Select(voter => new NodeId(voter))],
            Seed = (ulong)id,
        };
        restored ??= RestoredState.Empty;
        DurablePromise = restored.Promised;
        AppliedMembers = restored.Members;
        _loggedChosen = restored.ChosenSlot;
        foreach (LogEntry entry in restored.Entries)
        {
            _log.Add(entry.Slot.Value, entry);
        }

        Core = new PaxosNode(_config, restored);
    }

    public PaxosNode Core { get; private set; }

    /// <summary>Everything said to others since the last <see cref="Take{T}"/> of its kind.</summary>
    public List<Message> Said { get; } = [];

    public List<ChosenEntry> Chosen { get; } = [];

    public List<ReadIndexResult> Reads { get; } = [];

    public List<CatchUpOrder> CatchUps { get; } = [];

    public List<SnapshotNeed> SnapshotNeeds { get; } = [];

    public Ballot DurablePromise { get; private set; } = Ballot.Zero;

    /// <summary>What a data store would know of the members; null for nothing.</summary>
    public GroupMembers? AppliedMembers { get; private set; }

    /// <summary>While true nothing gets durable, and what waits for that is not said.</summary>
    public bool IsDiskStalled { get; set; }

    public void At(long tick) => Do(core => core.AdvanceTo(tick));

    public void Step(params IEnumerable<Message> messages) => Do(core =>
    {
        foreach (Message message in messages)
        {
            core.Step(message);
        }
    });

    public void Do(Action<PaxosNode> action)
    {
        action(Core);
        CarryOut();
    }

    /// <summary>Takes what was said of this kind, to one node or to all.</summary>
    public List<T> Take<T>(int? to = null)
        where T : Message
    {
        List<T> taken = [.. Said.OfType<T>().Where(message => to is null || message.To.Value == to)];
        Said.RemoveAll(taken.Contains);
        return taken;
    }

    /// <summary>The disk works again, and takes what waited.</summary>
    public void ResumeDisk()
    {
        IsDiskStalled = false;
        foreach (Effects effects in _unwritten)
        {
            Write(effects);
        }

        _unwritten.Clear();
        CarryOut();
    }

    /// <summary>A crash and a new start with what the disk has.</summary>
    public void Restart()
    {
        List<LogEntry> open = [.. _log.Values.Where(entry => entry.Slot > _loggedChosen)];
        Core = new PaxosNode(_config, new RestoredState(DurablePromise, _loggedChosen, open, AppliedMembers));
        _unwritten.Clear();
        Said.Clear();
        Chosen.Clear();
    }

    /// <summary>Makes this node the leader of a ballot with these promises of others.</summary>
    public Ballot Lead(long tick, Dictionary<int, (Slot Chosen, IReadOnlyList<LogEntry> Entries)> supporters)
    {
        At(tick);
        foreach (PreVote vote in Take<PreVote>().Where(vote => supporters.ContainsKey(vote.To.Value)))
        {
            Step(new PreVoteReply(vote.To, Core.Self, vote.Ballot, Granted: true, Ballot.Zero));
        }

        foreach (Prepare prepare in Take<Prepare>().Where(prepare => supporters.ContainsKey(prepare.To.Value)))
        {
            (Slot chosen, IReadOnlyList<LogEntry> entries) = supporters[prepare.To.Value];
            Step(new Promise(prepare.To, Core.Self, prepare.Ballot, chosen, entries));
        }

        Assert.Equal(Role.Leader, Core.Role);
        return Core.Ballot;
    }

    private void CarryOut()
    {
        while (true)
        {
            Effects effects = Core.TakeEffects();
            if (effects.IsEmpty)
            {
                return;
            }

            Said.AddRange(effects.Send);
            Chosen.AddRange(effects.Chosen);
            foreach (ChosenEntry entry in effects.Chosen.Where(entry => entry.Value.Kind == ValueKind.Membership))
            {
                AppliedMembers = GroupMembers.Decode(entry.Slot, entry.Value.Payload.Span);
            }

            Reads.AddRange(effects.Reads);
            CatchUps.AddRange(effects.CatchUps);
            if (effects.Snapshot is SnapshotNeed need)
            {
                SnapshotNeeds.Add(need);
            }

            if (IsDiskStalled)
            {
                _unwritten.Add(effects);
            }
            else
            {
                Write(effects);
            }
        }
    }

    private void Write(Effects effects)
    {
        DurablePromise = effects.Promised ?? DurablePromise;
        _loggedChosen = effects.ChosenSlot ?? _loggedChosen;
        foreach (LogEntry entry in effects.Append)
        {
            _log[entry.Slot.Value] = entry;
        }

        foreach (Message message in effects.SendAfterPersist)
        {
            if (message.To == Core.Self)
            {
                Core.Step(message);
            }
            else
            {
                Said.Add(message);
            }
        }
    }
}

using KvCloud.Consensus;
using KvCloud.Node.State;

namespace KvCloud.Tests.Simulation;

internal enum ReadLevel
{
    Local = 0,
    Leader = 1,
    ReadIndex = 2,
}

/// <summary>One read on its way: what it asks, and whom to tell. The answer is null when nothing was read.</summary>
internal sealed record SimRead(SimOp Op, Action<SimReadAnswer?> Answer);

/// <summary>What a read saw, and how far the store that it looked into had applied.</summary>
/// <param name="Version">The version of the value; of a read version, the version itself.</param>
internal readonly record struct SimReadAnswer(NodeId Node, string? Value, long Version, Slot AppliedSlot)
{
    /// <summary>What a range read saw.</summary>
    public IReadOnlyDictionary<string, string>? Rows { get; init; }
}

/// <summary>Admits reads to a node's store, as the production router does.</summary>
internal sealed class SimReads(SimNode node, SimWorld world)
{
    private readonly List<SimRead> _joining = [];
    private readonly Dictionary<long, SimRead[]> _inFlight = [];
    private readonly List<(Slot Slot, SimRead Read)> _waiting = [];
    private long _lastId;

    public void Start(long firstId) => _lastId = firstId;

    public void Clear()
    {
        _joining.Clear();
        _inFlight.Clear();
        _waiting.Clear();
    }

    public void Add(SimRead read)
    {
        PaxosNode core = node.Core!;
        if (read.Op.Kind is SimOpKind.SnapshotRead or SimOpKind.SnapshotRange)
        {
            AddSnapshotRead(read);
            return;
        }

        switch (read.Op.Level)
        {
            case ReadLevel.Local:
                ReadNow(read);
                break;
            case ReadLevel.Leader when world.Sabotage is Sabotage.ReadsWithoutLease && core.Role == Role.Leader:
                ReadNow(read);
                break;
            case ReadLevel.Leader when node.HasLease:
                WaitFor(
                    world.Sabotage is Sabotage.LeaderReadsBeforeApplied ? Slot.Zero : node.Published.ChosenSlot, read);
                break;
            case ReadLevel.Leader when core.Role != Role.Leader:
                read.Answer(null);
                break;
            default:
                _joining.Add(read);
                node.ScheduleTurn();
                break;
        }
    }

    /// <summary>One request at a time: reads that come meanwhile share the next.</summary>
    public void Request(PaxosNode core)
    {
        if (_inFlight.Count > 0 || _joining.Count == 0)
        {
            return;
        }

        long id = ++_lastId;
        _inFlight.Add(id, [.. _joining]);
        _joining.Clear();
        core.ReadIndex(id);
    }

    public void Complete(ReadIndexResult result)
    {
        if (!_inFlight.Remove(result.Id, out SimRead[]? reads))
        {
            throw new SimFailureException($"{node.Self}: read index {result.Id} was answered twice, or never asked for");
        }

        foreach (SimRead read in reads)
        {
            if (!result.Confirmed)
            {
                read.Answer(null);
            }
            else
            {
                WaitFor(world.Sabotage is Sabotage.ReadsBeforeIndexApplied ? Slot.Zero : result.Slot, read);
            }
        }
    }

    /// <summary>More is applied: reads that waited for it look now.</summary>
    public void Release()
    {
        foreach ((Slot slot, SimRead read) in _waiting.ToArray())
        {
            if (slot <= node.Store.AppliedSlot)
            {
                ReadNow(read);
            }
        }

        _waiting.RemoveAll(item => item.Slot <= node.Store.AppliedSlot);
    }

    /// <summary>What has been issued was chosen before: a read index taken now covers it.</summary>
    private void AddSnapshotRead(SimRead read)
    {
        if (node.Store.AppliedVersion.Value >= read.Op.ReadVersion
            || world.Sabotage is Sabotage.SnapshotReadsBeforeApplied)
        {
            ReadNow(read);
            return;
        }

        _joining.Add(read);
        node.ScheduleTurn();
    }

    private void WaitFor(Slot slot, SimRead read)
    {
        if (slot <= node.Store.AppliedSlot)
        {
            ReadNow(read);
        }
        else
        {
            _waiting.Add((slot, read));
        }
    }

    private void ReadNow(SimRead read)
    {
        SimOp op = read.Op;
        SimStore store = node.Store;
        var answer = new SimReadAnswer(node.Self, null, 0, store.AppliedSlot);
        switch (op.Kind)
        {
            case SimOpKind.GetReadVersion:
                answer = answer with { Version = store.AppliedVersion.Value };
                break;
            case SimOpKind.SnapshotRange:
                answer = answer with { Rows = store.ReadRange(op.Keys[0], op.Keys[^1], SnapshotVersion(op)) };
                break;
            default:
                (string? value, long version) = store.Read(
                    op.Keys[0], op.Kind == SimOpKind.SnapshotRead ? SnapshotVersion(op) : null);
                answer = answer with { Value = value, Version = version };
                break;
        }

        world.Checker.Saw(node, op, answer);
        read.Answer(answer);
    }

    private CommitVersion SnapshotVersion(SimOp op) => new(
        world.Sabotage is Sabotage.SnapshotReadsBeforeApplied
            ? Math.Min(op.ReadVersion, node.Store.AppliedVersion.Value)
            : op.ReadVersion);
}

using KvCloud.Consensus;
using KvCloud.Protocol;

namespace KvCloud.Tests.Simulation;

internal enum ReadLevel
{
    Local = 0,
    Leader = 1,
    ReadIndex = 2,
}

/// <summary>One read on its way: what it asks, and whom to tell. The answer is null when nothing was read.</summary>
internal sealed record SimRead(ReadLevel Level, string Key, Action<SimReadAnswer?> Answer);

/// <summary>What a read saw, and the slot up to which the store that it looked into had applied.</summary>
internal readonly record struct SimReadAnswer(NodeId Node, string? Value, long Version, Slot AppliedSlot);

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
        switch (read.Level)
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
        (string? value, long version) = node.Store.Read(read.Key);
        var answer = new SimReadAnswer(node.Self, value, version, node.Store.AppliedSlot);
        world.Checker.Saw(node, read.Key, answer);
        read.Answer(answer);
    }
}

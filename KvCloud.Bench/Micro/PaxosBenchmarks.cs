using BenchmarkDotNet.Attributes;
using KvCloud.Consensus;

namespace KvCloud.Bench.Micro;

/// <summary>
/// One slot through three members, from proposal to chosen on the leader, without the cost of disk and network.
/// </summary>
[MemoryDiagnoser]
public class PaxosBenchmarks
{
    private const int Members = 3;
    private const int TicksToElect = 10_000;

    private readonly Queue<Message> _messages = new();
    private PaxosNode[] _nodes = null!;
    private PaxosNode _leader = null!;
    private byte[] _payload = null!;
    private long _tick;

    [GlobalSetup]
    public void SetUp()
    {
        NodeId[] voters = Enumerable.Range(0, Members).Select(i => new NodeId(i)).ToArray();
        _nodes = [.. voters.Select((self, i) => new PaxosNode(
            new PaxosConfig { Self = self, Voters = voters, Seed = (ulong)i + 1 }, RestoredState.Empty))];
        _payload = MicroData.Slot(0);
        while (!Array.Exists(_nodes, node => node.LeaseUntilTick > 0))
        {
            Tick();
            if (_tick > TicksToElect)
            {
                throw new InvalidOperationException("no leader was elected");
            }
        }

        _leader = Array.Find(_nodes, node => node.Role == Role.Leader)!;
    }

    [Benchmark]
    public long ChooseOneSlot()
    {
        ProposeResult proposed = _leader.Propose(_payload);
        if (proposed.Status != ProposeStatus.Proposed)
        {
            throw new InvalidOperationException($"the leader refused the proposal: {proposed.Status}");
        }

        Settle();
        return _leader.ChosenSlot.Value;
    }

    private void Tick()
    {
        _tick++;
        foreach (PaxosNode node in _nodes)
        {
            node.AdvanceTo(_tick);
        }

        Settle();
    }

    /// <summary>Delivers messages until none are left; everything to persist counts as persisted.</summary>
    private void Settle()
    {
        TakeEffects();
        while (_messages.TryDequeue(out Message? message))
        {
            _nodes[message.To.Value].Step(message);
            TakeEffects();
        }
    }

    private void TakeEffects()
    {
        foreach (PaxosNode node in _nodes)
        {
            Effects effects = node.TakeEffects();
            effects.Send.ForEach(_messages.Enqueue);
            effects.SendAfterPersist.ForEach(_messages.Enqueue);
        }
    }
}

using KvCloud.Consensus;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// Calls that one client has on their way at once, each in a lane of its own. Most lanes wait for each other, and send
/// what they want in one burst to one node.
/// </summary>
internal sealed class SimPipeline(SimWorld world, SimProfile profile)
{
    private const int BurstPerMille = 700;

    private readonly List<SimClient> _ready = [];
    private int _underWay;

    private DeterministicRandom Random => world.Random;

    /// <summary>The lane has thought enough when the burst that it joins leaves, or goes alone.</summary>
    public void Wait(SimClient lane)
    {
        long thinkUs = 1 + Random.Next(profile.ThinkMaxMs * 1_000);
        if (!Random.Chance(BurstPerMille))
        {
            world.After(thinkUs, () => lane.NextOp(null));
            return;
        }

        _ready.Add(lane);
        if (_ready.Count == 1)
        {
            world.After(thinkUs, Leave);
        }
    }

    public void Began()
    {
        _underWay++;
        world.Reached.PipelinedCalls += _underWay > 1 ? 1 : 0;
    }

    public void Ended() => _underWay--;

    private void Leave()
    {
        SimClient[] lanes = [.. _ready];
        _ready.Clear();
        var burst = new SimBurst(
            Random.Chance(750) ? lanes[0].Target : Random.Next(profile.AllNodes),
            100 + Random.Next(1_000),
            Random.Chance(300) ? 1 + Random.Next(30) : null);
        foreach (SimClient lane in lanes)
        {
            lane.NextOp(burst);
        }
    }
}

/// <summary>Calls that arrive at one node at one moment, and may all have the same short deadline.</summary>
internal sealed record SimBurst(int Target, int ArrivesAfterUs, int? TimeoutMs);

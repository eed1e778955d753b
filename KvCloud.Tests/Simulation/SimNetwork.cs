using KvCloud.Consensus;

namespace KvCloud.Tests.Simulation;

/// <summary>Carries messages late, twice, out of order, or not at all, and cuts links in each direction on its own.</summary>
internal sealed class SimNetwork(SimWorld world, SimProfile profile)
{
    private readonly bool[,] _isCut = new bool[profile.Nodes, profile.Nodes];
    private bool _isHealed;

    public void Send(Message message)
    {
        int from = message.From.Value;
        int to = message.To.Value;
        if (_isCut[from, to] || (!_isHealed && world.Random.Chance(profile.LossPerMille)))
        {
            world.Trace($"lost     {Describe(message)}");
            return;
        }

        Deliver(message);
        if (!_isHealed && world.Random.Chance(profile.DuplicatePerMille))
        {
            Deliver(message);
        }
    }

    /// <summary>Changes what is cut, in one of the ways in which real networks fail.</summary>
    public void ChangePartition()
    {
        DeterministicRandom random = world.Random;
        int count = profile.Nodes;
        int kind = random.Next(7);
        int one = random.Next(count);
        int other = (one + 1 + random.Next(Math.Max(1, count - 1))) % count;
        if (kind != 6)
        {
            Array.Clear(_isCut);
        }

        for (int i = 0; i < count; i++)
        {
            switch (kind)
            {
                case 0: Cut(one, i, true, true); break; // One node alone.
                case 1: Cut(one, i, true, false); break; // One node is not heard.
                case 2: Cut(one, i, false, true); break; // One node hears nothing.
                case 3: // Two halves.
                    for (int j = 0; j < count; j++)
                    {
                        Cut(i, j, i % 2 != j % 2, i % 2 != j % 2);
                    }

                    break;
                case 4: Cut(one, other, true, true); break; // Two that do not see each other, though all others do.
                case 6: Cut(random.Next(count), random.Next(count), true, false); break; // One more link, one way.
                default: break; // Healed.
            }
        }

        world.Trace($"network  partition kind {kind} at node-{one}, node-{other}");
    }

    public void Heal()
    {
        Array.Clear(_isCut);
        _isHealed = true;
    }

    private static string Describe(Message message) => SimTrace.Describe(message);

    private void Cut(int from, int to, bool outward, bool inward)
    {
        if (from != to)
        {
            _isCut[from, to] |= outward;
            _isCut[to, from] |= inward;
        }
    }

    private void Deliver(Message message)
    {
        DeterministicRandom random = world.Random;
        long delay = 50 + random.Next(_isHealed ? 2_000 : profile.MaxDelayUs);
        if (!_isHealed && random.Chance(profile.HeldUpPerMille))
        {
            delay += random.Next(profile.HeldUpMaxMs) * SimProfile.Millisecond;
        }

        world.After(delay, () =>
        {
            world.Trace($"arrives  {Describe(message)}");
            world.Nodes[message.To.Value].Receive(message);
        });
    }
}

using KvCloud.Consensus;

namespace KvCloud.Tests.Simulation;

/// <summary>Makes trouble, each kind at its own random pace, until the world is healed.</summary>
internal sealed class SimNemesis(SimWorld world, SimProfile profile)
{
    private DeterministicRandom Random => world.Random;

    public void Start()
    {
        Every(profile.PartitionEveryMs, world.Network.ChangePartition);
        Every(profile.CrashEveryMs, Crash);
        Every(profile.PauseEveryMs, Pause);
        Every(profile.DiskTroubleEveryMs, TroubleDisk);
        Every(profile.CheckpointEveryMs, () => AnyNode().Checkpoint(), stopsWhenHealed: false);
        Every(profile.TrimEveryMs, () => AnyNode().Trim(), stopsWhenHealed: false);
    }

    public void Heal()
    {
        world.Network.Heal();
        foreach (SimNode node in world.Nodes)
        {
            node.Log.SlowUs = 0;
            node.Log.StalledUntilUs = 0;
            node.Resume();
            if (node.Core is null)
            {
                node.Start();
            }
        }
    }

    private SimNode AnyNode() => world.Nodes[Random.Next(world.Nodes.Count)];

    private void Every(int meanMs, Action action, bool stopsWhenHealed = true)
    {
        if (meanMs == 0)
        {
            return;
        }

        world.After((1 + Random.Next(2 * meanMs)) * SimProfile.Millisecond, () =>
        {
            if (!world.IsHealed || !stopsWhenHealed)
            {
                action();
                Every(meanMs, action, stopsWhenHealed);
            }
        });
    }

    private void Crash()
    {
        bool isPowerCut = Random.Chance(100);
        SimNode only = AnyNode();
        foreach (SimNode node in world.Nodes)
        {
            if (node.Core is null || (!isPowerCut && node != only))
            {
                continue;
            }

            node.Crash();
            int downMs = Random.Chance(500) ? Random.Next(20) : Random.Next(1_500);
            world.After(downMs * SimProfile.Millisecond, () =>
            {
                if (node.Core is null)
                {
                    node.Start();
                }
            });
        }
    }

    private void Pause()
    {
        SimNode node = AnyNode();
        int forMs = Random.Chance(500) ? Random.Next(100) : Random.Next(2_000);
        node.PauseUntil(world.NowUs + (forMs * SimProfile.Millisecond));
    }

    private void TroubleDisk()
    {
        SimLog log = AnyNode().Log;
        switch (Random.Next(3))
        {
            case 0:
                log.SlowUs = Random.Next(60) * SimProfile.Millisecond;
                break;
            case 1:
                log.SlowUs = 0;
                break;
            default:
                log.StalledUntilUs = world.NowUs + (Random.Next(1_200) * SimProfile.Millisecond);
                break;
        }
    }
}

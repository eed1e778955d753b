namespace KvCloud.Tests.Simulation;

/// <summary>
/// The leader's disk takes no write for a long time, and nothing else goes wrong: soon another leads, and writes go on.
/// </summary>
internal sealed class SimStall(SimWorld world, SimProfile profile)
{
    private const long StallUs = 8 * SimProfile.Second;

    /// <summary>From the limit on, until another must lead and clients must have found it.</summary>
    private const long HandOverUs = 3 * SimProfile.Second;

    private const long WritesUs = 1 * SimProfile.Second;

    public void Start()
    {
        if (profile.StallsLeaderDisk)
        {
            world.After((1_000 + world.Random.Next(1_000)) * SimProfile.Millisecond, Stall);
        }
    }

    private void Stall()
    {
        if (world.Nodes.FirstOrDefault(node => node.HasLease) is not SimNode leader)
        {
            world.After(50 * SimProfile.Millisecond, Stall);
            return;
        }

        world.Trace($"{leader.Self}   its disk stalls");
        leader.Disk.StalledUntilUs = world.NowUs + StallUs;
        world.Reached.StalledLeaders++;
        world.After((profile.StallLimitMs * SimProfile.Millisecond) + HandOverUs, () => CheckHandedOver(leader));
    }

    private void CheckHandedOver(SimNode stalled)
    {
        if (stalled.HasLease)
        {
            throw new SimFailureException($"{stalled.Self} still leads, though its disk has stalled for long");
        }

        int answers = world.Checker.Answers;
        world.After(WritesUs, () =>
        {
            if (world.Checker.Answers == answers)
            {
                throw new SimFailureException($"no write is answered while the disk of {stalled.Self} alone stalls");
            }
        });
    }
}

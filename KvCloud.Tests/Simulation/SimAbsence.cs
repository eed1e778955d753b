namespace KvCloud.Tests.Simulation;

/// <summary>
/// One follower is away, down or cut off, until the others have chosen very many slots without it. Then it comes back
/// and must catch up, from logs that nobody could trim meanwhile.
/// </summary>
internal sealed class SimAbsence(SimWorld world, SimProfile profile)
{
    private const long LeavesAfterUs = 200 * SimProfile.Millisecond;
    private const long LookEveryUs = 10 * SimProfile.Millisecond;
    private const int LongLag = 1_000;

    private SimNode? _absent;

    /// <summary>Nobody is away, or not any more.</summary>
    public bool IsOver { get; private set; } = profile.AbsentForSlots == 0;

    public void Start()
    {
        if (profile.AbsentForSlots > 0)
        {
            world.After(LeavesAfterUs, Leave);
        }
    }

    private void Leave()
    {
        SimNode[] followers = [.. world.Nodes.Where(node => !node.HasLease)];
        _absent = followers[world.Random.Next(followers.Length)];
        if (world.Random.Chance(500))
        {
            _absent.Crash(isPowerCut: world.Random.Chance(500));
        }
        else
        {
            world.Trace($"network  cuts off {_absent.Self}");
            ForEachPath(world.Network.Cut);
        }

        Look();
    }

    private void Look()
    {
        long lag = world.Checker.AgreedSlot.Value - _absent!.Store.AppliedSlot.Value;
        if (!world.IsHealed && lag < profile.AbsentForSlots)
        {
            world.After(LookEveryUs, Look);
            return;
        }

        world.Trace($"{_absent.Self} comes back {lag} slots behind");
        IsOver = true;
        world.Reached.LongCatchUps += lag >= LongLag ? 1 : 0;
        if (!world.IsHealed)
        {
            ForEachPath(world.Network.Restore);
            _absent.Start();
        }
    }

    private void ForEachPath(Action<int, int> change)
    {
        int id = _absent!.Self.Value;
        for (int other = 0; other < profile.Nodes; other++)
        {
            if (other != id)
            {
                change(id, other);
                change(other, id);
            }
        }
    }
}

using KvCloud.Consensus;

namespace KvCloud.Tests.Simulation;

/// <summary>Makes trouble, each kind at its own random pace, until the world is healed.</summary>
internal sealed class SimNemesis(SimWorld world, SimProfile profile)
{
    private int _lost;
    private bool _hasWiped;

    private DeterministicRandom Random => world.Random;

    /// <summary>
    /// Too few voters are left for the group as it is, or for one of the two that a change is between; or whoever knew
    /// of the last change was lost, and too few are left of the group before it.
    /// </summary>
    public bool HasLostQuorum => !HasQuorumWithout(null);

    /// <summary>Nodes that the rest can do without, where the members do not change.</summary>
    private int Spare => (profile.Nodes - 1) / 2;

    private bool AreAllFormed => world.Nodes.All(node => node.IsFormed || node.IsOutcast);

    /// <summary>
    /// A node lost its disk before all had met all: the others may be stuck with what it was.
    /// </summary>
    public bool HasLostNodeBeforeAllMet => world.Nodes.Any(node => node.IsOutcast) && !AreAllFormed;

    /// <summary>Starts all nodes for the first time, some of them late.</summary>
    public void StartNodes()
    {
        int late = Math.Min(profile.LateNodes, profile.Nodes - 1);
        int firstLate = late == 0 ? 0 : Random.Next(profile.Nodes);
        foreach (SimNode node in world.Nodes)
        {
            if (node.Self.Value >= profile.Nodes)
            {
                world.After(Random.Next((int)profile.FaultyUs / 2), node.Start);
                continue;
            }

            bool isLate = (node.Self.Value - firstLate + profile.Nodes) % profile.Nodes < late;
            if (isLate)
            {
                world.After(Random.Next((int)profile.FaultyUs), node.Start);
            }
            else
            {
                node.Start();
            }
        }
    }

    public void Start()
    {
        Every(profile.PartitionEveryMs, world.Network.ChangePartition);
        Every(profile.BreakEveryMs, world.Network.BreakConnection);
        Every(profile.CorruptEveryMs, world.Network.CorruptConnection);
        Every(profile.CrashEveryMs, Crash);
        Every(profile.PauseEveryMs, Pause);
        Every(profile.DiskTroubleEveryMs, TroubleDisk);
        Every(profile.DiskFaultEveryMs, FailDisk);
        Every(profile.SpaceEveryMs, FillDisk);
        Every(profile.DamageEveryMs, DamageDisk);
        Every(profile.WallClockJumpEveryMs, JumpWallClock);
        Every(profile.WipeEveryMs, WipeDisk);
        Every(profile.RotEveryMs, RotData);
        Every(profile.FlipEveryMs, FlipLogBit);
        if (profile.RowDroppedAfterMs > 0 && world.Sabotage is Sabotage.StoreDropsRow)
        {
            world.After(profile.RowDroppedAfterMs * SimProfile.Millisecond, () => AnyNode().Store.DropRow());
        }

        if (profile.LostNodes > 0)
        {
            Every(1_500, LoseNode);
        }
    }

    public void Heal()
    {
        world.Network.Heal();
        foreach (SimNode node in world.Nodes)
        {
            node.Disk.Heal();
            node.Disk.SlowUs = 0;
            node.Disk.StalledUntilUs = 0;
            node.Resume();
            if (node.IsOutcast)
            {
                // Somebody reads why it is refused, and takes it away.
                node.Lose(isPowerCut: false);
            }

            node.Start();
        }
    }

    private SimNode AnyNode() => world.Nodes[Random.Next(world.Nodes.Count)];

    private void Every(int meanMs, Action action)
    {
        if (meanMs == 0)
        {
            return;
        }

        world.After((1 + Random.Next(2 * meanMs)) * SimProfile.Millisecond, () =>
        {
            if (!world.IsHealed)
            {
                action();
                Every(meanMs, action);
            }
        });
    }

    private void Crash()
    {
        bool isOfAll = Random.Chance(100);
        bool isPowerCut = Random.Chance(profile.PowerCutPerMille);
        SimNode only = AnyNode();
        foreach (SimNode node in world.Nodes)
        {
            if (!node.IsDown && (isOfAll || node == only))
            {
                CrashFor(node, isPowerCut, Random.Chance(500) ? Random.Next(20) : Random.Next(1_500));
            }
        }
    }

    private void CrashFor(SimNode node, bool isPowerCut, int downMs)
    {
        world.Reached.PowerCuts += isPowerCut ? 1 : 0;
        node.Crash(isPowerCut);
        world.After(downMs * SimProfile.Millisecond, node.Start);
    }

    /// <summary>
    /// Crashes a node and empties its disk, whoever may have met it. Not one that is configured to begin alone: it
    /// would, as the documentation says.
    /// </summary>
    private void WipeDisk()
    {
        SimNode node = AnyNode();
        if (_hasWiped || node.IsDown || node.IsDamaged || profile.Nodes == 1 || !CanSpare(node))
        {
            return;
        }

        _hasWiped = true;
        CountLost();
        node.Wipe(Random.Chance(profile.PowerCutPerMille));
        world.After(Random.Next(1_000) * SimProfile.Millisecond, node.Start);
    }

    private void Pause()
    {
        int forMs = Random.Chance(500) ? Random.Next(100) : Random.Next(2_000);
        AnyNode().PauseUntil(world.NowUs + (forMs * SimProfile.Millisecond), isSuspended: Random.Chance(300));
    }

    private void TroubleDisk()
    {
        SimDisk disk = AnyNode().Disk;
        switch (Random.Next(4))
        {
            case 0:
                disk.SlowUs = Random.Next(60) * SimProfile.Millisecond;
                break;
            case 1:
                disk.SlowUs = 0;
                disk.IsOutOfHandles = false;
                break;
            default:
                disk.StalledUntilUs = world.NowUs + (Random.Next(1_200) * SimProfile.Millisecond);
                break;
        }
    }

    private void FailDisk()
    {
        SimNode node = AnyNode();
        node.HasDiskFaults = true;
        switch (Random.Next(6))
        {
            case 0:
                node.Disk.IsFull = !node.Disk.IsFull;
                break;
            case 1:
                node.Disk.IsOutOfHandles = !node.Disk.IsOutOfHandles;
                break;
            case 2:
                node.Disk.FailNext(SimDiskCall.Read);
                break;
            case 3:
                node.Disk.FailNext(SimDiskCall.Write);
                break;
            default:
                node.Disk.FailNext(SimDiskCall.Sync);
                break;
        }
    }

    /// <summary>Ample, low or exhausted: that of one node, or rarely that of all.</summary>
    private void FillDisk()
    {
        SimNode only = AnyNode();
        bool isOfAll = Random.Chance(200);
        long free = Random.Chance(300) ? long.MaxValue : Random.Next(300_000);
        foreach (SimNode node in world.Nodes)
        {
            if (isOfAll || node == only)
            {
                node.Disk.FreeBytes = free;
            }
        }
    }

    private void JumpWallClock() =>
        AnyNode().WallClockOffsetMs = Random.Next(2 * profile.WallClockJumpMaxMs + 1) - profile.WallClockJumpMaxMs;

    /// <summary>
    /// Damages what a node that is down has on its disk. It may notice and not start any more, or not be harmed: it
    /// must never come back with less than it has told of.
    /// </summary>
    private void DamageDisk()
    {
        SimNode node = AnyNode();
        if (node.IsGone || (!node.IsDamaged && !MayDoWithout(node)))
        {
            return;
        }

        if (!node.IsDown)
        {
            CrashFor(node, isPowerCut: Random.Chance(500), Random.Next(300));
        }

        if (!node.IsDamaged)
        {
            node.IsDamaged = true;
            CountLost();
        }

        bool isOlderDay = Random.Next(6) switch
        {
            0 => node.TryPutBackOlderLog(),
            1 => node.TryPutBackOlderIdentity(),
            _ => false,
        };
        if (!isOlderDay)
        {
            SimDamage.Do(node.Disk, Random);
        }
    }

    /// <summary>
    /// Somewhere in the data of a node a block goes bad, or somebody has sound data made anew. Only where all others
    /// have sound data: at most one at a time may have to be helped.
    /// </summary>
    private void RotData()
    {
        SimNode node = AnyNode();
        bool isFew = world.Checker.Members.IsJoint || world.Checker.Members.Members.Count(item => item.IsVoter) < 3;
        if (isFew || node.IsGone || !AreAllFormed || world.Nodes.Any(other => !other.IsGone && other.HasUnsoundData))
        {
            return;
        }

        if (Random.Chance(300))
        {
            node.OrderRebuild();
        }
        else if (node.Store.Rot())
        {
            world.Reached.Rots++;
            world.Trace($"{node.Self}   has data that rot");
        }
    }

    /// <summary>
    /// A bit of the log turns around while its replica runs, which finds it when it reads that place, if ever.
    /// </summary>
    private void FlipLogBit()
    {
        SimNode node = AnyNode();
        if (node.IsDown || (!node.IsDamaged && !MayDoWithout(node))
            || SimDamage.FlipLogBit(node.Disk, Random) is not string file)
        {
            return;
        }

        if (!node.IsDamaged)
        {
            node.IsDamaged = true;
            CountLost();
        }

        node.HasFlippedLog = true;
        world.Reached.LogFlips++;
        world.Trace($"{node.Self}   has a wrong bit in {file}");
    }

    private void LoseNode()
    {
        SimNode node = AnyNode();
        if (_lost - world.Nodes.Count(item => item.IsDamaged) < profile.LostNodes && !node.IsDamaged && !node.IsGone
            && MayDoWithout(node))
        {
            CountLost();
            node.Lose(isPowerCut: Random.Chance(500));
        }
    }

    private void CountLost()
    {
        _lost++;
        world.Reached.LostMembers += profile.ChangeEveryMs > 0 ? 1 : 0;
    }

    /// <summary>Before all have met, the group can do without none.</summary>
    private bool MayDoWithout(SimNode node) => CanSpare(node) && AreAllFormed;

    private bool CanSpare(SimNode node) =>
        profile.ChangeEveryMs == 0 ? _lost < Spare : _lost < 2 && HasQuorumWithout(node);

    private bool HasQuorumWithout(SimNode? lost)
    {
        SimChecker checker = world.Checker;
        bool isKnown = checker.Members.Slot == Slot.Zero || world.Nodes.Any(
            node => node != lost && !node.IsGone && node.Core?.Members.Slot == checker.Members.Slot);
        return HasQuorum(checker.Members, lost) && (isKnown || HasQuorum(checker.FormerMembers, lost));
    }

    private bool HasQuorum(GroupMembers members, SimNode? lost) => SimQuorum.IsIn(
        members, id => world.Nodes[id.Value] is var node && node != lost && !node.IsGone && !node.IsOutcast);
}

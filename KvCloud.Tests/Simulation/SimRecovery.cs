using KvCloud.Consensus;
using KvCloud.Node.Files;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.Replication.Restore;
using KvCloud.Node.Storage;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// In the middle of all trouble a majority loses its disks for good. Somebody makes a new group of what is left, as
/// `kv recover` does, and it lives on. All that the plan says is kept must be there, only what it says may be lost may
/// be lost, and nothing may be there that nobody proposed.
/// </summary>
/// <remarks>
/// The seed lives its life as ever. This lives it a second time, up to the moment of the loss.
/// </remarks>
internal sealed class SimRecovery(ulong seed, SimOptions options, Action<string>? trace)
{
    /// <summary>Drawn apart, so that a seed without a recovery lives as it did before.</summary>
    private const ulong Seed = 0x10_57_90_04;

    private const string Left = "/left";
    private const string Target = "/recovered";
    private const string ClusterId = "recovered";
    private const int WantedPerMille = 100;

    private readonly DeterministicRandom _random = new(seed ^ Seed);

    /// <summary>After the life of the seed, whose world says whether this is one in which it can happen.</summary>
    public void Run(SimWorld life)
    {
        SimProfile profile = life.Profile;
        bool isWanted = _random.Chance(WantedPerMille) || life.Sabotage is Sabotage.RecoveryTakesWhoIsBehind;
        if (!isWanted || profile.Nodes < 3 || profile.AbsentForSlots > 0)
        {
            return;
        }

        using var world = new SimWorld(seed, options, trace);
        world.RunUntil((profile.FaultyUs / 4) + _random.Next((int)(profile.FaultyUs / 2)));
        SimNode[] left = LoseMajority(world);
        if (left.Length > 0)
        {
            Recover(world, left);
            life.Take(world);
        }
    }

    /// <returns>Who is left and can be asked.</returns>
    private SimNode[] LoseMajority(SimWorld world)
    {
        int most = (world.Profile.Nodes - 1) / 2;
        int count = world.Sabotage is Sabotage.RecoveryTakesWhoIsBehind ? most : 1 + _random.Next(most);
        var left = world.Nodes.OrderBy(_ => _random.NextUInt64()).Take(count).ToList();
        while (world.Checker.AllMembers.Any(
            members => SimQuorum.IsIn(members, id => left.Exists(node => node.Self == id))))
        {
            // Whoever of them knows these members as the newest would be told to start them.
            left.RemoveAt(left.Count - 1);
        }

        foreach (SimNode node in left)
        {
            node.Crash(isPowerCut: _random.Chance(500));
        }

        world.Trace($"disaster leaves {string.Join(", ", left.Select(node => node.Self))}");
        return [.. left.Where(node => node.IsReadable)];
    }

    private void Recover(SimWorld world, SimNode[] left)
    {
        var disk = new SimDisk(_random);
        disk.CreateDirectory(Left);
        foreach (SimNode node in left)
        {
            node.CopyDirectory(disk, DataDirectory.PathOf(Left, node.Self.Value));
        }

        RestoreStores stores = SimNewGroup.StoresOn(disk, world.Profile.SessionLimits, _random);
        var recovery = new QuorumRecovery(disk, stores);
        RecoveryPlan plan;
        LogEntry[] decided;
        try
        {
            string[] paths = [.. Asked(world, left).Select(node => DataDirectory.PathOf(Left, node.Self.Value))];
            plan = recovery.Plan(paths, "/scratch");
            decided = LookAt(world, disk, stores, left, plan);
        }
        catch (Exception exception) when (exception is RestoreRefusedException or DataDirectoryException
            && left.Any(node => node.IsDamaged || node.HasDiskFaults))
        {
            world.Trace($"recovery is refused: {exception.Message}");
            return;
        }

        world.Trace($"recovery knows up to slot {plan.KnownSlot}, decides up to slot {plan.LastSlot}");
        RestoreResult result = recovery.Apply(
            plan,
            new RestoreRequest("", plan.ClusterId, Target, SimNewGroup.Nodes, ClusterId, RestorePoint.End));
        SimModel model = world.Checker.Replay(new Slot(plan.KnownSlot));
        foreach (LogEntry entry in decided)
        {
            world.Checker.ReplayInto(model, entry.Slot, entry.Value);
        }

        world.Reached.RecoveredGroups++;
        world.Reached.RecoveredChangedGroups += world.Checker.AllMembers.Count > 1 ? 1 : 0;
        world.Reached.DecidedSlots += decided.Length;
        world.Reached.LostSlots += Math.Max(0, world.Checker.AgreedSlot.Value - plan.LastSlot) + decided.LongCount(
            entry => entry.Slot <= world.Checker.AgreedSlot
                && !entry.Value.IsSameAs(world.Checker.AgreedIn(entry.Slot)));
        var group = new SimNewGroup(world, disk, Target, ClusterId);
        group.Check(result, key => model.ValueAt(key, result.Slot).Value, $"recovered at slot {result.Slot}");
        group.LiveOn(model, result, _random);
    }

    /// <summary>All of them; or, of a sabotage, only the one that has applied least.</summary>
    private static SimNode[] Asked(SimWorld world, SimNode[] left) =>
        world.Sabotage is Sabotage.RecoveryTakesWhoIsBehind ? [left.MinBy(node => node.Store.AppliedSlot)!] : left;

    /// <summary>Holds the plan to what each of those who are left has on its disk, and has told of.</summary>
    /// <returns>What the recovery decides above what is known to be chosen.</returns>
    private static LogEntry[] LookAt(
        SimWorld world, SimDisk disk, RestoreStores stores, SimNode[] left, RecoveryPlan plan)
    {
        SimChecker checker = world.Checker;
        var held = new List<LogEntry>();
        foreach (SimNode node in left)
        {
            string copy = $"/look/{node.Self.Value}";
            disk.CreateDirectories("/look");
            disk.RestoreFrom(new SimDiskSnapshot(
                copy, disk.Snapshot(DataDirectory.PathOf(Left, node.Self.Value)).Node));
            using var log = SegmentedPaxosLog.Open(disk, $"{copy}/log", mayCreate: false, stores.Log);
            checker.Restarted(node, log);
            held.AddRange(log.Read(log.FirstSlot, log.LastSlot, int.MaxValue));
            var known = Slot.Max(node.Store.AppliedSlot, Slot.Max(log.ChosenSlot, log.FirstSlot.Previous));
            Require(
                plan.KnownSlot >= known.Value,
                $"{node.Self} knows that slot {known} is chosen, and the plan knows up to slot {plan.KnownSlot}");
        }

        Require(
            plan.KnownSlot <= checker.AgreedSlot.Value,
            $"the plan takes slot {plan.KnownSlot} for chosen, and the group has got to {checker.AgreedSlot}");
        return [.. Decide(plan, held, left, checker)];
    }

    /// <summary>The highest ballot of each slot, told as plainly as can be.</summary>
    private static IEnumerable<LogEntry> Decide(
        RecoveryPlan plan, IReadOnlyList<LogEntry> held, SimNode[] left, SimChecker checker)
    {
        long last = held.Select(entry => entry.Slot.Value).Append(plan.KnownSlot).Max();
        Require(
            plan.LastSlot == last && plan.Decided.Count + plan.Holes.Count == last - plan.KnownSlot,
            $"the plan decides up to slot {plan.LastSlot}, and somebody has slot {last}");
        for (var slot = new Slot(plan.KnownSlot + 1); slot.Value <= last; slot = slot.Next)
        {
            LogEntry[] votes = [.. held.Where(entry => entry.Slot == slot)];
            LogEntry entry = votes.MaxBy(vote => vote.Accepted)
                ?? new LogEntry(slot, Ballot.Zero, Value.NoOp(Ballot.Zero));
            RecoveryPlan.Decision? decision = plan.Decided.FirstOrDefault(item => item.Slot == slot.Value);
            Require(
                decision?.Ballot == (votes.Length == 0 ? null : entry.Accepted.ToString()),
                $"the plan decides {decision} for slot {slot}, where the highest vote is {entry}");

            // What was chosen and is still there is what the highest ballot has, whatever else was accepted.
            Require(
                slot > checker.AgreedSlot || entry.Value.IsSameAs(checker.AgreedIn(slot))
                    || !votes.Any(vote => vote.Value.IsSameAs(checker.AgreedIn(slot))),
                $"slot {slot} was chosen, somebody who is left has it, and the plan decides {entry.Value}");
            yield return entry;
        }

        foreach (SimNode node in left)
        {
            foreach ((long slot, Ballot ballot) in checker.ToldVotes(node).Where(vote => vote.Key > plan.KnownSlot))
            {
                Require(
                    held.Any(entry => entry.Slot.Value == slot && entry.Accepted >= ballot),
                    $"{node.Self} voted for slot {slot} at {ballot}, and the plan has no such vote");
            }
        }
    }

    private static void Require(bool condition, string failure)
    {
        if (!condition)
        {
            throw new SimFailureException(failure);
        }
    }
}

using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication.Restore;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// Restores a backup at a version that it holds, and holds what comes of it to the model. Some of the groups that come
/// of it live on.
/// </summary>
internal sealed class SimRestore(SimWorld world, SimBackup backup)
{
    private const string Target = "/restored";
    private const string ClusterId = "restored";
    private const int LivesOnPerMille = 250;

    public void Check()
    {
        if (backup.Snapshot is not { } snapshot)
        {
            return;
        }

        SimChecker checker = world.Checker;
        long first = snapshot.State.Version.Value;
        long last = checker.Model.VersionAt(backup.LastSlot);
        long wanted = first + backup.Random.Next((int)(last - first) + 1);
        RestoreResult result = Run(snapshot.ClusterId, new CommitVersion(wanted));
        world.Trace($"backup   is restored at version {wanted} of {first} to {last}");
        world.Reached.Restores++;
        if (result.Version.Value != wanted)
        {
            throw new SimFailureException($"version {wanted} was wanted and {result.Version} restored");
        }

        var group = new SimNewGroup(world, backup.Disk, Target, ClusterId);
        group.Check(result, key => checker.Model.ValueAtVersion(key, wanted), $"restored at version {wanted}");
        if (backup.Random.Chance(LivesOnPerMille) || world.Sabotage is Sabotage.RestoresForgetAnswers)
        {
            world.Reached.RestoredGroups++;
            group.LiveOn(checker.Replay(snapshot.State.Slot, wanted), result, backup.Random);
        }
    }

    private RestoreResult Run(string sourceClusterId, CommitVersion wanted)
    {
        var request = new RestoreRequest(
            backup.Directory, sourceClusterId, Target, SimNewGroup.Nodes, ClusterId, new RestorePoint(Version: wanted))
        {
            FirstVersion = world.Sabotage is Sabotage.RestoresKeepVersions ? wanted.Next : null,
        };
        RestoreStores stores = SimNewGroup.StoresOn(backup.Disk, world.Profile.SessionLimits, backup.Random);
        try
        {
            return new Restorer(backup.Disk, stores, _ => { }).Run(request);
        }
        catch (RestoreRefusedException exception)
        {
            throw new SimFailureException($"a whole backup is not restored: {exception.Message}");
        }
    }
}

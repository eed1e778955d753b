using System.Text;
using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.Replication.Restore;
using KvCloud.Node.State;
using KvCloud.Node.Storage;

namespace KvCloud.Tests.Simulation;

/// <summary>Restores a backup at a version that it holds, and holds what comes of it to the model.</summary>
internal sealed class SimRestore(SimWorld world, SimBackup backup, SessionLimits sessions)
{
    private const string Target = "/restored";
    private const string ClusterId = "restored";

    private static readonly int[] Nodes = [0, 1, 2];

    public void Check()
    {
        if (backup.Snapshot is not { } snapshot)
        {
            return;
        }

        SimModel model = world.Checker.Model;
        long first = snapshot.State.Version.Value;
        long last = model.VersionAt(backup.LastSlot);
        long wanted = first + backup.Random.Next((int)(last - first) + 1);
        RestoreResult result = Run(snapshot.ClusterId, new CommitVersion(wanted));
        world.Trace($"backup   is restored at version {wanted} of {first} to {last}");
        world.Reached.Restores++;
        Require(result.Version.Value == wanted, $"version {wanted} was wanted and {result.Version} restored");
        Require(
            result.FirstVersion.Value > model.Version,
            $"the restored group begins at version {result.FirstVersion}, and the old one has issued {model.Version}");
        foreach (int node in Nodes)
        {
            CheckNode(node, result, wanted);
        }
    }

    private RestoreResult Run(string sourceClusterId, CommitVersion wanted)
    {
        IKvStore Open(string path) => MemoryKvStore.Load(backup.Disk, path);
        var request = new RestoreRequest(
            backup.Directory, sourceClusterId, Target, Nodes, ClusterId, new RestorePoint(Version: wanted))
        {
            FirstVersion = world.Sabotage is Sabotage.RestoresKeepVersions ? wanted.Next : null,
        };
        try
        {
            return new Restorer(backup.Disk, new RestoreStores(Open, Open, sessions), _ => { }).Run(request);
        }
        catch (RestoreRefusedException exception)
        {
            throw new SimFailureException($"a whole backup is not restored: {exception.Message}");
        }
    }

    private void CheckNode(int node, RestoreResult result, long wanted)
    {
        using var storage = ReplicaStorage.Open(
            backup.Disk,
            DataDirectory.Open(
                backup.Disk, DataDirectory.PathOf(Target, node), ClusterId, node, string.Join(',', Nodes), () => node),
            path => MemoryKvStore.Load(backup.Disk, path),
            new SegmentedLogOptions { RunLater = _ => { } },
            sessions);
        RestoredState restored = Recovery.Restore(storage.Log, storage.Executor);
        Require(
            restored.ChosenSlot == result.Slot && restored.Promised == Ballot.Zero && restored.Members is null,
            $"a restored node begins with {restored}");
        AppliedState applied = storage.Executor.Applied;
        Require(
            (applied.Slot, applied.Version, applied.StateHash)
                == (result.Slot, result.FirstVersion, result.StateHash),
            $"a restored node has {storage.Executor.Applied}");
        foreach (string key in world.Keys)
        {
            string? expected = world.Checker.Model.ValueAtVersion(key, wanted);
            string? held = ValueIn(storage.Executor.Reader, key);
            Require(held == expected, $"{key} restored at version {wanted} is {held}, and should be {expected}");
        }
    }

    private static string? ValueIn(KvReader reader, string key)
    {
        GetResult result = reader.Get(
            SimModel.IsOfFamily(key) ? SimOp.Family : null, Encoding.Latin1.GetBytes(key), at: null);
        return result.Value is null ? null : Encoding.Latin1.GetString(result.Value);
    }

    private static void Require(bool condition, string failure)
    {
        if (!condition)
        {
            throw new SimFailureException(failure);
        }
    }
}

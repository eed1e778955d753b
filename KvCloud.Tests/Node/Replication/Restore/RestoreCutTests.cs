using KvCloud.Consensus;
using KvCloud.Node.Files;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Backup;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.Replication.Restore;
using KvCloud.Node.State;
using KvCloud.Node.Storage;
using KvCloud.Tests.Node.State;
using KvCloud.Tests.Simulation;
using static KvCloud.Tests.Node.State.StateHarness;

namespace KvCloud.Tests.Node.Replication.Restore;

/// <summary>A restore that is cut off anywhere, by the end of its process or of the power.</summary>
public sealed class RestoreCutTests
{
    private const string Target = "/restored/group";

    private static readonly RestoreRequest Request = new("/staging", "old", Target, [1, 2], "new", RestorePoint.End);

    [Fact]
    public void Run_cut_off_anywhere_leaves_the_target_whole_or_not_at_all_and_can_be_done_again()
    {
        int cuts = 0;
        for (ulong seed = 1; seed <= 150; seed++)
        {
            var random = new DeterministicRandom(seed);
            var disk = new SimDisk(random);
            RestoreResult? expected = null;
            Prepare(disk);
            for (int attempt = 0; attempt < 4 && !disk.DirectoryExists(Target); attempt++)
            {
                disk.BeginOperation();
                expected = new Restorer(disk, Stores(disk), _ => { }).Run(Request);
                disk.EndOperation();
                if (attempt < 3 && random.Chance(800))
                {
                    disk.Crash(isPowerCut: random.Chance(500));
                    cuts++;
                }
                else
                {
                    disk.Settle();
                }
            }

            CheckWhole(disk, expected!);
            disk.Crash(isPowerCut: true);
            CheckWhole(disk, expected!);
        }

        Assert.True(cuts > 100, $"only {cuts} restores were cut off");
    }

    private static void CheckWhole(SimDisk disk, RestoreResult expected)
    {
        foreach (int node in Request.Nodes)
        {
            using var storage = ReplicaStorage.Open(
                disk,
                DataDirectory.Open(disk, DataDirectory.PathOf(Target, node), "new", node, "1,2"),
                Stores(disk).Open,
                Options);
            Assert.False(storage.Directory.IsNew);
            Recovery.Restore(storage.Log, storage.Executor);
            Assert.Equal(
                new AppliedState(expected.Slot, expected.FirstVersion, expected.StateHash), storage.Executor.Applied);
        }
    }

    private static SegmentedLogOptions Options => new() { RunLater = _ => { } };

    private static RestoreStores Stores(SimDisk disk) =>
        new(path => MemoryKvStore.Load(disk, path), path => MemoryKvStore.Load(disk, path));

    private static void Prepare(SimDisk disk)
    {
        using StateHarness state = InMemory();
        state.Apply(Set("a", "1"));
        disk.CreateDirectories("/staging/log");
        state.Store.CreateCheckpoint(disk, "/staging/data");
        state.Apply(Set("a", "2"), Set("b", "3"));
        var entries = state.Log.Skip(1)
            .Select(chosen => new LogEntry(chosen.Slot, new Ballot(1, new NodeId(0)), chosen.Value)).ToList();
        disk.WriteAllBytes(
            "/staging/log/2.log", new LogBlock("old", state.Executor.Applied.Version, entries).Encode());
        foreach (string directory in (string[])["/staging/data", "/staging/log"])
        {
            foreach (string path in disk.ListFiles(directory))
            {
                using IFile file = disk.Open(path, FileMode.Open, FileAccess.ReadWrite);
                file.SyncData();
            }

            disk.FlushDirectory(directory);
        }

        disk.FlushDirectory("/staging");
    }
}

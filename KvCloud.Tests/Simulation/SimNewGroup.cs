using System.Text;
using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.Replication.Restore;
using KvCloud.Node.State;
using KvCloud.Node.Storage;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// The directories of a new group that was made of another one: holds what is in them to the model, and lets the group
/// live on under trouble of its own.
/// </summary>
internal sealed class SimNewGroup(SimWorld old, SimDisk disk, string target, string clusterId)
{
    private const int ResentWrites = 12;
    private const int SegmentSizeBytes = 16 * 1024;

    private SimDiskSnapshot[] _directories = [];
    private int _featureLevel;

    public static IReadOnlyList<int> Nodes { get; } = [0, 1, 2];

    /// <summary>How a restore opens what is on a simulated disk.</summary>
    public static RestoreStores StoresOn(SimDisk disk, SessionLimits sessions, DeterministicRandom random)
    {
        IKvStore Open(string path) => MemoryKvStore.Load(disk, path);
        return new RestoreStores(Open, Open, sessions)
        {
            Log = new SegmentedLogOptions { SegmentSizeBytes = SegmentSizeBytes, RunLater = static _ => { } },
            DrawIncarnation = () => (long)(random.NextUInt64() >> 1),
        };
    }

    /// <summary>Every version is new, and every node holds what it must.</summary>
    /// <param name="valueOf">What a key must have.</param>
    /// <param name="made">How it was made, in words.</param>
    public void Check(RestoreResult result, Func<string, string?> valueOf, string made)
    {
        Require(
            result.FirstVersion.Value > old.Checker.Model.Version,
            $"the {clusterId} group begins at version {result.FirstVersion}, and the old one has issued"
            + $" {old.Checker.Model.Version}");
        _directories = [.. Nodes.Select(node => disk.Snapshot(DataDirectory.PathOf(target, node)))];
        foreach (int node in Nodes)
        {
            CheckNode(node, result, valueOf, made);
        }
    }

    /// <summary>The nodes start on what was made for them, in a world of their own.</summary>
    /// <param name="model">Of the log of the old group that is in the data.</param>
    public void LiveOn(SimModel model, RestoreResult result, DeterministicRandom random)
    {
        Require(
            model.AppliedSlot == result.Slot && model.Version == result.Version.Value,
            $"the {clusterId} group has slot {result.Slot} and version {result.Version}, and should have"
            + $" {model.AppliedSlot} and {model.Version}");
        model.BeginGroup(result.FirstVersion.Value);
        SimOp[] written = [.. old.Checker.OpsOfSessions];
        var origin = new SimOrigin(
            clusterId,
            _directories,
            result.Slot,
            model,
            _featureLevel,
            [.. old.Keys.Order(StringComparer.Ordinal)],
            [.. Enumerable.Range(0, Math.Min(ResentWrites, written.Length)).Select(
                _ => written[random.Next(written.Length)] with { IsAnsweredBefore = true, MustSucceed = false })],
            old.Profile.SessionLimits,
            old.LongestWindowMs,
            old.NextOpId(),
            old.NextAttempt());
        old.LiveOnAs(origin, random.NextUInt64());
    }

    private void CheckNode(int node, RestoreResult result, Func<string, string?> valueOf, string made)
    {
        using var storage = ReplicaStorage.Open(
            disk,
            DataDirectory.Open(
                disk, DataDirectory.PathOf(target, node), clusterId, node, string.Join(',', Nodes), () => node),
            path => MemoryKvStore.Load(disk, path),
            new SegmentedLogOptions { RunLater = _ => { } },
            old.Profile.SessionLimits);
        RestoredState restored = Recovery.Restore(storage.Log, storage.Executor);
        Require(
            restored.ChosenSlot == result.Slot && restored.Promised == Ballot.Zero && restored.Members is null,
            $"a {clusterId} node begins with {restored}");
        AppliedState applied = storage.Executor.Applied;
        Require(
            (applied.Slot, applied.Version, applied.StateHash)
                == (result.Slot, result.FirstVersion, result.StateHash),
            $"a {clusterId} node has {applied}");
        _featureLevel = applied.FeatureLevel;
        foreach (string key in old.Keys)
        {
            string? expected = valueOf(key);
            string? held = ValueIn(storage.Executor.Reader, key);
            Require(held == expected, $"{key} {made} is {held}, and should be {expected}");
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

using System.Text;
using KvCloud.Consensus;
using KvCloud.Node.Files;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.Replication.Restore;
using KvCloud.Node.State;
using KvCloud.Node.Storage;
using KvCloud.Tests.Node.Storage;
using static KvCloud.Tests.Node.State.StateHarness;

namespace KvCloud.Tests.Node.Replication.Restore;

/// <summary>What is made of the directories of those that are left, each with another part of the log.</summary>
public sealed class QuorumRecoveryTests : IDisposable
{
    private const string Cluster = "lost";

    private static readonly Ballot Low = new(3, new NodeId(1));
    private static readonly Ballot High = new(5, new NodeId(2));

    private readonly TemporaryDirectory _temporary = new();

    [Fact]
    public void Plan_takes_what_is_known_as_chosen_and_above_it_the_highest_ballot_of_each_slot()
    {
        string[] left =
        [
            MakeReplica(1, chosen: 3, Entry(1, "a"), Entry(2, "b"), Entry(3, "c"), Entry(4, "old"), Entry(5, "e")),
            MakeReplica(2, chosen: 2, Entry(1, "a"), Entry(2, "b"), Entry(4, "new", High), Entry(7, "g", High)),
        ];

        RecoveryPlan plan = Recovery().Plan(left, _temporary.Sub("scratch"));

        Assert.Equal((1, 3L, 7L), (plan.BaseNode, plan.KnownSlot, plan.LastSlot));
        Assert.Equal([4L, 5, 7], plan.Decided.Select(slot => slot.Slot));
        Assert.Equal(["5.2", "3.1", "5.2"], plan.Decided.Select(slot => slot.Ballot));
        Assert.Equal([6L], plan.Holes);
        Assert.Equal([3, 4, 5], plan.MissingVoters);
        Assert.False(Directory.Exists(_temporary.Sub("scratch")));

        RestoreResult result = Recovery().Apply(plan, Request());
        Assert.Equal(7, result.Slot.Value);
        Assert.Equal("a b c new e - g", Values());
    }

    [Fact]
    public void Apply_makes_a_group_with_higher_versions_and_leaves_the_old_directories_as_they_are()
    {
        string[] left = [MakeReplica(4, chosen: 2, Entry(1, "a"), Entry(2, "b"))];
        UInt128 before = Survivor.FingerprintOf(SystemFiles.Instance, left[0]);

        RestoreResult result = Recovery().Apply(Recovery().Plan(left, _temporary.Sub("scratch")), Request());

        Assert.Equal(before, Survivor.FingerprintOf(SystemFiles.Instance, left[0]));
        Assert.Equal(FirstVersions.After(new CommitVersion(2)), result.FirstVersion);
        using ReplicaStorage storage = Open(_temporary.Sub("target"), 9, "new", "9");
        RestoredState restored = KvCloud.Node.Replication.Recovery.Restore(storage.Log, storage.Executor);
        Assert.Equal((Ballot.Zero, new Slot(2)), (restored.Promised, restored.ChosenSlot));
        Assert.Null(restored.Members);
    }

    [Fact]
    public void Apply_to_directories_that_changed_since_the_plan_or_by_another_plan_is_refused()
    {
        string[] left = [MakeReplica(1, chosen: 1, Entry(1, "a"))];
        RecoveryPlan plan = Recovery().Plan(left, _temporary.Sub("scratch"));
        string text = plan.Write();
        Assert.Equal(plan.Checksum, RecoveryPlan.Read(text, "plan").Checksum);
        Assert.Throws<RestoreRefusedException>(() => RecoveryPlan.Read(
            text.Replace("\"known_slot\": 1", "\"known_slot\": 2", StringComparison.Ordinal), "plan"));

        using (ReplicaStorage storage = Open(_temporary.Path, 1, Cluster, "1,2,3,4,5"))
        {
            storage.Log.Write([LogEffects(1, Entry(2, "later"))]);
        }

        Assert.Contains(
            "has changed since the plan",
            Assert.Throws<RestoreRefusedException>(() => Recovery().Apply(plan, Request())).Message,
            StringComparison.Ordinal);
        Assert.False(Directory.Exists(_temporary.Sub("target")));
    }

    [Fact]
    public void Plan_of_a_quorum_or_of_two_groups_or_of_no_replica_is_refused()
    {
        string[] left =
        [
            .. Enumerable.Range(1, 3).Select(node => MakeReplica(node, chosen: 1, Entry(1, "a"))),
        ];
        Refuses(left, "are a quorum of the voters");
        Refuses([left[0], left[0]], "belong to the same node");
        Refuses([left[0], MakeReplica(7, chosen: 1, cluster: "another", Entry(1, "a"))], "to cluster 'another'");
        Refuses([_temporary.Sub("nothing")], "is not the data directory of a replica");
        using (Open(_temporary.Path, 1, Cluster, "1,2,3,4,5"))
        {
            Refuses([left[0]], "stop that replica first");
        }
    }

    public void Dispose() => _temporary.Dispose();

    private void Refuses(IReadOnlyList<string> paths, string text) => Assert.Contains(
        text,
        Assert.Throws<RestoreRefusedException>(() => Recovery().Plan(paths, _temporary.Sub("scratch"))).Message,
        StringComparison.Ordinal);

    private static QuorumRecovery Recovery()
    {
        var options = new StoreOptions();
        return new QuorumRecovery(
            SystemFiles.Instance,
            new RestoreStores(
                path => RocksKvStore.Open(path, options), path => RocksKvStore.OpenReadOnly(path, options)));
    }

    private RestoreRequest Request() => new("", Cluster, _temporary.Sub("target"), [9], "new", RestorePoint.End);

    private string MakeReplica(int node, long chosen, params LogEntry[] entries) =>
        MakeReplica(node, chosen, Cluster, entries);

    /// <summary>The directory of a stopped replica of five, with this log.</summary>
    private string MakeReplica(int node, long chosen, string cluster, params LogEntry[] entries)
    {
        using ReplicaStorage storage = Open(_temporary.Path, node, cluster, "1,2,3,4,5");
        storage.Log.Write([LogEffects(chosen, entries)]);
        return storage.Directory.Path;
    }

    private static Effects LogEffects(long chosen, params LogEntry[] entries) =>
        Log.LogEntries.Effects(High, chosen, entries);

    private static ReplicaStorage Open(string root, int node, string cluster, string voters) => ReplicaStorage.Open(
        SystemFiles.Instance,
        DataDirectory.Open(SystemFiles.Instance, DataDirectory.PathOf(root, node), cluster, node, voters),
        path => RocksKvStore.Open(path, new StoreOptions()),
        SegmentedLogOptions.Default);

    private string Values()
    {
        using ReplicaStorage storage = Open(_temporary.Sub("target"), 9, "new", "9");
        return string.Join(' ', Enumerable.Range(1, 7).Select(slot =>
            storage.Executor.Reader.Get(null, Bytes($"{slot}"), at: null).Value is { } value
                ? Encoding.UTF8.GetString(value)
                : "-"));
    }

    /// <summary>A slot that sets the key of its number.</summary>
    private static LogEntry Entry(long slot, string value, Ballot? accepted = null)
    {
        var writer = new CommandBatchWriter();
        writer.Add(CommandCodec.Encode(Set($"{slot}", value)));
        return new LogEntry(
            new Slot(slot),
            accepted ?? Low,
            new Value(accepted ?? Low, ValueKind.Commands, writer.Build(1_000, MvccRetention.Default)));
    }
}

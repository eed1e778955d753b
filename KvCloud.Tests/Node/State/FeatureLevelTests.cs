using KvCloud.Node.Operations;
using KvCloud.Node.State;
using KvCloud.Node.Storage;

namespace KvCloud.Tests.Node.State;

/// <summary>The feature level as part of the replicated state.</summary>
public sealed class FeatureLevelTests : IDisposable
{
    private static readonly SetCommand Set = new(null, new byte[] { 1 }, new byte[] { 2 });

    private readonly StateHarness _harness = StateHarness.InMemory();

    public void Dispose() => _harness.Dispose();

    [Fact]
    public void Apply_raise_is_part_of_the_state_its_hash_and_what_a_crash_leaves()
    {
        _harness.ApplyOne(Set);
        using var other = StateHarness.InMemory();
        other.ApplyOne(Set);
        Assert.Equal(other.Executor.Applied, _harness.Executor.Applied);
        Assert.Equal(FeatureLevels.First, _harness.Executor.Applied.FeatureLevel);

        Assert.Equal(new CommandResult(KvStatus.Ok), _harness.ApplyOne(new RaiseFeatureLevelCommand(2)));
        other.ApplyOne(new RaiseFeatureLevelCommand(1));

        Assert.Equal((2, 1), (_harness.Executor.Applied.FeatureLevel, other.Executor.Applied.FeatureLevel));
        Assert.NotEqual(other.Executor.Applied.StateHash, _harness.Executor.Applied.StateHash);
        _harness.Executor.Flush();
        using var reopened = new KvStoreExecutor(_harness.Store);
        Assert.Equal(_harness.Executor.Applied, reopened.Applied);
        Assert.Equal(_harness.Executor.Applied, KvStoreExecutor.ReadApplied(_harness.Store));
    }

    [Fact]
    public void Apply_raise_below_the_level_changes_nothing_and_takes_no_version()
    {
        _harness.ApplyOne(new RaiseFeatureLevelCommand(2));
        Assert.Equal(KvStatus.Ok, _harness.ApplyOne(new RaiseFeatureLevelCommand(1)).Code);

        Assert.Equal(2, _harness.Executor.Applied.FeatureLevel);
        Assert.Equal(CommitVersion.Zero, _harness.Executor.Applied.Version);
        Assert.Equal(KvStatus.InvalidArgument, _harness.ApplyOne(new RaiseFeatureLevelCommand(0)).Code);
    }

    [Fact]
    public void Apply_raise_above_what_the_replica_can_follow_stops_it()
    {
        using var executor = new KvStoreExecutor(new MemoryKvStore(), supportedLevel: 1);
        _harness.Choose(new RaiseFeatureLevelCommand(2));

        FeatureLevelException error = Assert.Throws<FeatureLevelException>(
            () => executor.Apply(_harness.Log, observer: null));
        Assert.StartsWith(
            "The group's feature level is 2, and this replica can follow 1 at most",
            error.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void KvStoreExecutor_of_a_store_above_what_the_replica_can_follow_does_not_open()
    {
        _harness.ApplyOne(new RaiseFeatureLevelCommand(2));
        _harness.Executor.Flush();

        Assert.Throws<FeatureLevelException>(() => new KvStoreExecutor(_harness.Store, supportedLevel: 1));
    }

    /// <summary>The release before reads formats 1 and 2, and refuses format 3 by its number.</summary>
    [Fact]
    public void CompleteBatch_writes_the_format_of_the_release_before_until_the_level_rises()
    {
        _harness.ApplyOne(Set);
        Assert.Equal((2, 77), (RecordOf(_harness.Store)[0], RecordOf(_harness.Store).Length));

        _harness.ApplyOne(new RaiseFeatureLevelCommand(2));
        Assert.Equal((3, 81), (RecordOf(_harness.Store)[0], RecordOf(_harness.Store).Length));
    }

    private static byte[] RecordOf(IKvStore store)
    {
        var buffer = new ValueBuffer(stackalloc byte[256]);
        Assert.True(store.TryGet(KvTable.Meta, StateRecord.Key, ref buffer));
        byte[] record = buffer.Value.ToArray();
        buffer.Dispose();
        return record;
    }
}

using System.Security.Cryptography;
using KvCloud.Node.Operations;
using KvCloud.Node.State;
using KvCloud.Node.Storage;
using KvCloud.Tests.Node.Storage;

namespace KvCloud.Tests.Node.State;

/// <summary>On RocksDB itself: what a compaction leaves is its business.</summary>
public sealed class SpaceReclaimerTests : IDisposable
{
    private const int Slots = 100;
    private const int WritesPerSlot = 100;
    private const int ValueBytes = 1_000;

    private readonly TemporaryDirectory _temporary = new();
    private readonly StateHarness _state;
    private long _appliedBytes;

    public SpaceReclaimerTests() => _state = new StateHarness(
        () => RocksKvStore.Open(_temporary.Sub("data"), new StoreOptions()), store => store.Dispose());

    [Fact]
    public void Look_overwritten_keys_give_up_their_space_once_they_left_the_window()
    {
        Write(i => $"k{i % 50}");
        Look();
        Assert.Equal(0, _state.Executor.Space.Passes);
        Assert.Equal(Slots * WritesPerSlot, _state.Store.CountVersions().Records);

        Idle();
        Look();

        Assert.Equal(1, _state.Executor.Space.Passes);
        VersionFigures left = _state.Store.CountVersions();
        Assert.InRange(left.Records, 50, 51);
        Assert.True(left.SizeBytes < 2 * 50 * ValueBytes, $"{left}");
        Assert.Equal(50, _state.Reader.GetStatistics().TotalKeys);
        Look();
        Assert.Equal(1, _state.Executor.Space.Passes);
    }

    [Fact]
    public void Look_keys_written_once_are_not_rewritten()
    {
        Write(i => $"k{i}");
        Idle();

        Look();

        Assert.Equal(0, _state.Executor.Space.Passes);
    }

    [Fact]
    public void Look_dropped_family_and_deleted_keys_give_up_their_space()
    {
        _state.Apply(new CreateColumnFamilyCommand("gone"));
        Write(i => $"k{i}", "gone");
        Write(i => $"k{i}");
        _state.Apply([.. Enumerable.Range(0, Slots * WritesPerSlot).Select(i => StateHarness.Delete($"k{i}"))]);
        _state.Apply(new DropColumnFamilyCommand("gone"));
        Idle();

        Look();

        Assert.Equal(1, _state.Executor.Space.Passes);
        Assert.InRange(_state.Store.CountVersions().Records, 0, 1);
    }

    [Fact]
    public void Look_while_writes_go_on_leaves_compaction_to_the_store()
    {
        Write(i => $"k{i % 50}");
        Idle();
        for (int i = 0; i < 20; i++)
        {
            _appliedBytes += 1_000_000;
            _state.Executor.Space.Look(_appliedBytes);
        }

        Assert.Equal(0, _state.Executor.Space.Passes);
    }

    public void Dispose()
    {
        _state.Dispose();
        _temporary.Dispose();
    }

    /// <summary>Values that no compression makes smaller.</summary>
    private void Write(Func<int, string> keyOf, string? columnFamily = null)
    {
        for (int slot = 0; slot < Slots; slot++)
        {
            _state.Apply([.. Enumerable.Range(slot * WritesPerSlot, WritesPerSlot).Select(i => new SetCommand(
                columnFamily, StateHarness.Bytes(keyOf(i)), RandomNumberGenerator.GetBytes(ValueBytes)))]);
        }
    }

    /// <summary>Nothing but the batches by which the window moves, and what apply does when it has time.</summary>
    private void Idle()
    {
        for (int i = 0; i <= RetentionWindow.StepsPerWindow + 1; i++)
        {
            _state.UnixMs += (_state.Retention.TimeMs / RetentionWindow.StepsPerWindow) + 1;
            _state.Apply();
        }

        while (_state.Executor.CollectIdle())
        {
        }

        Assert.Equal(0, _state.Executor.VersionsInWindow);
    }

    private void Look()
    {
        for (int i = 0; i < 20; i++)
        {
            _state.Executor.Space.Look(_appliedBytes);
        }
    }
}

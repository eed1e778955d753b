using System.Globalization;
using KvCloud.Node.Operations;
using KvCloud.Node.Storage;
using KvCloud.Tests.Node.Storage;
using static KvCloud.Tests.Node.State.StateHarness;

namespace KvCloud.Tests.Node.State;

/// <summary>Many versions of one key: found from any moment, and gone when nobody may ask any more.</summary>
public sealed class HistoryTests : IDisposable
{
    private const int Writes = 1_000;
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(300)]
    public void GetAt_every_version_of_a_hot_key_finds_it_whatever_the_batches(int batch)
    {
        using StateHarness state = InMemory();
        var expected = new List<string?> { null };
        while (expected.Count <= Writes)
        {
            state.Apply([.. Enumerable.Range(0, batch).Select(_ => Next(expected))]);
        }

        for (int version = 0; version < expected.Count; version++)
        {
            Assert.Equal(expected[version], state.Get("hot", at: version));
            Assert.Equal(
                expected[version] is null ? [] : [$"hot={expected[version]}"], state.Range(All(), at: version));
        }
    }

    [Fact]
    public void VersionCollector_after_a_flush_and_a_crash_has_given_back_only_what_had_left_the_window()
    {
        using StateHarness state = InMemory();
        state.Retention = new MvccRetention(60_000, 10);
        for (int i = 0; i < 50; i++)
        {
            state.Apply(Set("hot", i.ToString(CultureInfo.InvariantCulture)));
        }

        long before = state.Store.GetFigures().SizeBytes;
        state.Executor.Flush();
        Assert.InRange(state.Store.GetFigures().SizeBytes, 1, before / 2);
        state.Crash();

        long oldest = state.Reader.OldestReadableVersion.Value;
        Assert.InRange(oldest, 38, 40);
        for (long version = oldest; version <= 50; version++)
        {
            Assert.Equal((version - 1).ToString(CultureInfo.InvariantCulture), state.Get("hot", at: version));
        }

        Assert.Equal(
            KvStatus.VersionTooOld, state.Reader.Get(null, Bytes("hot"), new CommitVersion(oldest - 1)).Code);
    }

    [Fact]
    public void VersionCollector_window_of_writes_that_a_crash_undid_takes_nothing_with_it()
    {
        using StateHarness state = InMemory();
        state.Retention = new MvccRetention(60_000, 10);
        for (int i = 0; i < 20; i++)
        {
            state.Apply(Set("hot", i.ToString(CultureInfo.InvariantCulture)));
        }

        state.Executor.Flush();
        long oldest = state.Reader.OldestReadableVersion.Value;
        for (int i = 20; i < 60; i++)
        {
            state.Apply(Set("hot", i.ToString(CultureInfo.InvariantCulture)));
        }

        state.Crash();

        Assert.Equal(oldest, state.Reader.OldestReadableVersion.Value);
        Assert.Equal((oldest - 1).ToString(CultureInfo.InvariantCulture), state.Get("hot", at: oldest));
    }

    [Theory]
    [InlineData("memory")]
    [InlineData("rocks")]
    public async Task GetNewest_where_nothing_is_retained_never_fails(string kind)
    {
        using StateHarness state = kind == "memory"
            ? InMemory()
            : new StateHarness(
                () => RocksKvStore.Open(_directory.Sub("data"), new StoreOptions()), store => store.Dispose());
        state.Retention = new MvccRetention(0, 0);
        state.Apply(Set("a", "0"), Set("b", "0"));
        using var done = new CancellationTokenSource();
        Task writer = Task.Run(() =>
        {
            for (int i = 1; i <= 300; i++)
            {
                string value = i.ToString(CultureInfo.InvariantCulture);
                state.Apply(Commit(0, [Mutate(MutationKind.Set, "a", value), Mutate(MutationKind.Set, "b", value)]));
                state.Executor.Flush();
            }
        }).ContinueWith(
            task =>
            {
                done.Cancel();
                return task;
            },
            TaskScheduler.Default).Unwrap();

        int last = 0;
        while (!done.IsCancellationRequested)
        {
            string[] rows = [.. state.Range(All())];
            Assert.Equal(2, rows.Length);
            Assert.Equal(rows[0][2..], rows[1][2..]);
            int value = int.Parse(rows[0][2..], CultureInfo.InvariantCulture);
            Assert.True(value >= last, $"{value} came behind {last}");
            Assert.True(int.Parse(state.Get("a")!, CultureInfo.InvariantCulture) >= value);
            Assert.Equal(2, state.Reader.GetStatistics().TotalKeys);
            last = value;
        }

        await writer;
        Assert.Equal("300", state.Get("b"));
    }

    [Fact]
    public void VersionCollector_space_of_versions_out_of_the_window_comes_back_on_disk()
    {
        var options = new StoreOptions { WriteBufferSizeBytes = 256 * 1024, MemtableLimitBytes = 0 };
        using var state = new StateHarness(
            () => RocksKvStore.Open(_directory.Sub("data"), options), store => store.Dispose());
        state.Retention = new MvccRetention(60_000, 50);
        string value = new('x', 10_000);
        long largest = 0;
        for (int round = 0; round < 40; round++)
        {
            // Ten keys over and over: 100 KB of data, and 40 MB of history in all.
            for (int i = 0; i < 10; i++)
            {
                state.Apply([.. Enumerable.Range(0, 10).Select(key => Set($"k{key}", value))]);
            }

            state.Executor.Flush();
            largest = Math.Max(largest, state.Store.GetFigures().SizeBytes);
        }

        Assert.InRange(largest, 1, 15_000_000);
    }

    private static KvCommand Next(List<string?> expected)
    {
        int version = expected.Count;
        bool isDelete = version % 10 == 9;
        expected.Add(isDelete ? null : $"v{version}");
        return isDelete ? Delete("hot") : Set("hot", $"v{version}");
    }
}

using KvCloud.Node.Operations;
using KvCloud.Node.State;
using KvCloud.Node.Storage;
using KvCloud.Tests.Node.Storage;

namespace KvCloud.Tests.Node.State;

/// <summary>
/// Random commands on the production store and on a plain model side by side, with crashes in between that fall back to
/// the last flush and replay the log in batches of other sizes. Answers, reads at every readable version, counts and
/// hashes must agree. The seed is in the failure's message.
/// </summary>
public sealed class ModelTests
{
    private const int Steps = 300;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void RocksKvStore_with_crashes_agrees_with_the_model(int seed)
    {
        using var directory = new TemporaryDirectory();
        var options = new StoreOptions { WriteBufferSizeBytes = 64 * 1024, MemtableLimitBytes = 0 };
        using var state = new StateHarness(
            () => RocksKvStore.Open(directory.Sub("data"), options), store => store.Dispose());
        Run(state, seed, Steps);
    }

    [Fact]
    public void MemoryKvStore_with_crashes_agrees_with_the_model()
    {
        var seen = new SortedSet<KvStatus>();
        for (int seed = 100; seed < 108; seed++)
        {
            using var state = StateHarness.InMemory();
            seen.UnionWith(Run(state, seed, Steps));
        }

        // A model that never meets the hard cases would agree with anything.
        Assert.Equal(
            [
                KvStatus.Ok, KvStatus.Conflict, KvStatus.VersionTooOld, KvStatus.VersionInFuture,
                KvStatus.InvalidOperation, KvStatus.ColumnFamilyNotFound, KvStatus.ColumnFamilyExists,
                KvStatus.SessionExpired,
            ],
            seen);
    }

    /// <returns>Every code that was answered.</returns>
    private static SortedSet<KvStatus> Run(StateHarness state, int seed, int steps)
    {
        var seen = new SortedSet<KvStatus>();
        var random = new Random(seed);
        var model = new StateModel();
        var commands = new RandomCommands(random, model);
        state.Retention = new MvccRetention(TimeMs: 2_000, Versions: 200);
        for (int step = 0; step < steps; step++)
        {
            string where = $"seed {seed}, step {step}";
            state.UnixMs += random.Next(200) switch
            {
                0 => 86_400_000,
                1 => -Math.Min(state.UnixMs, random.Next(86_400_000)),
                _ => random.Next(100),
            };
            int slots = random.Next(1, 4);
            var expected = new List<CommandResult>();
            for (int slot = 0; slot < slots; slot++)
            {
                KvCommand[] batch = [.. Enumerable.Range(0, random.Next(6)).Select(_ => commands.Next())];
                state.Choose(batch);
                model.BeginSlot(state.UnixMs, state.Retention);
                expected.AddRange(batch.Select(model.Apply));
            }

            Compare(expected, state.ApplyChosen(), where);
            seen.UnionWith(expected.Select(result => result.Code));
            Assert.True(model.Version == state.Reader.AppliedVersion, where);
            Assert.True(model.OldestReadable == state.Reader.OldestReadableVersion, where);
            if (random.Next(4) == 0)
            {
                state.Executor.Flush();
            }

            if (random.Next(10) == 0)
            {
                state.Executor.CollectIdle(random.Next(1, 20));
            }

            if (random.Next(12) == 0)
            {
                CrashAndReplay(state, random, where);
            }

            CompareReads(state, model, random, where);
        }

        return seen;
    }

    private static void CrashAndReplay(StateHarness state, Random random, string where)
    {
        AppliedState before = state.Executor.Applied;
        long durable = state.Executor.DurableSlot.Value;
        state.Crash();
        Assert.True(state.Executor.AppliedSlot.Value >= durable, where);
        while (state.Executor.AppliedSlot < before.Slot)
        {
            state.ApplyChosen(random.Next(1, 8));
        }

        Assert.True(before == state.Executor.Applied, $"{where}: {before} became {state.Executor.Applied}");
    }

    private static void Compare(List<CommandResult> expected, IReadOnlyList<CommandResult> actual, string where)
    {
        Assert.True(expected.Count == actual.Count, where);
        for (int i = 0; i < actual.Count; i++)
        {
            bool isSame = expected[i].Code == actual[i].Code
                && expected[i].Version == actual[i].Version
                && Generated(expected[i]) == Generated(actual[i]);
            Assert.True(isSame, $"{where}, command {i}: expected {expected[i]}, got {actual[i]}");
        }
    }

    private static string Generated(in CommandResult result) =>
        string.Join(',', (result.Generated ?? []).Select(Convert.ToHexString));

    private static void CompareReads(StateHarness state, StateModel model, Random random, string where)
    {
        Assert.True(model.Families.SequenceEqual(state.Reader.ColumnFamilies), where);
        Assert.True(model.CountKeys() == state.Reader.GetStatistics().TotalKeys, where);
        foreach (string family in model.Families)
        {
            long oldest = Math.Max(model.OldestReadable.Value, model.CreatedAt(family));
            CommitVersion? at = random.Next(2) == 0 ? null : new CommitVersion(
                random.NextInt64(oldest, model.Version.Value + 1));
            string expected = model.Describe(family, at ?? model.Version);
            RangeResult range = state.Reader.GetRange(family, StateHarness.All(), at);
            string actual = string.Join(
                ' ', range.Rows.Select(row => $"{Hex(row.Key)}={Hex(row.Value)}@{row.Version}"));
            Assert.True(expected == actual, $"{where}: at {at} in {family}\nexpected {expected}\ngot      {actual}");
            foreach (byte[] key in model.AllKeys)
            {
                GetResult found = state.Reader.Get(family, key, at);
                (byte[]? value, long version) = model.Get(family, key, at ?? model.Version);
                Assert.True(
                    found.Code == KvStatus.Ok && found.Version.Value == version
                        && (found.Value is null ? value is null : value is not null
                            && found.Value.AsSpan().SequenceEqual(value)),
                    $"{where}: {Hex(key)} at {at} in {family}: expected version {version}, got {found.Version}"
                    + $" {found.Message}");
            }
        }
    }

    private static string Hex(byte[] bytes) => Convert.ToHexString(bytes);
}

using System.Text;
using KvCloud.Node.Operations;
using KvCloud.Node.State;
using KvCloud.Node.Storage;

namespace KvCloud.Tests.Node.State;

/// <summary>Conflict ranges against a store and a batch under way, which together are what was written.</summary>
public sealed class ConflictRangeTests : IDisposable
{
    private readonly MemoryKvStore _store = new();
    private readonly KeyWriter _keys;
    private readonly ConflictChecker _checker;
    private readonly KeyspaceCatalog _keyspaces =
        new([new Keyspace(0, "default", CommitVersion.Zero), new Keyspace(1, "other", CommitVersion.Zero)]);

    private readonly SortedDictionary<(uint Keyspace, string Key), KeyState> _expected =
        new(Comparer<(uint, string)>.Create(
        (left, right) => left.Item1 != right.Item1
            ? left.Item1.CompareTo(right.Item1)
            : string.CompareOrdinal(left.Item2, right.Item2)));

    private StateHasher _hasher;
    private long _version;

    public ConflictRangeTests()
    {
        _keys = new KeyWriter(_store);
        _checker = new ConflictChecker(_store, _keys);
    }

    public void Dispose() => _store.Dispose();

    [Fact]
    public void Check_many_ranges_against_many_pending_writes_compares_n_log_m_keys()
    {
        const int writes = 10_000;
        const int ranges = 10_000;
        using IKvBatch batch = _store.CreateBatch();
        for (int i = 0; i < writes; i++)
        {
            Write(batch, 0, $"{i * 7919 % writes:D8}", isDelete: false);
        }

        ConflictRange[] between = [.. Enumerable.Range(0, ranges).Select(i => Range(null, $"{i:D8}a", $"{i:D8}b"))];
        Assert.Null(Check(0, between));
        Assert.InRange(_keys.Overlay.Comparisons, writes, (writes + ranges) * 14L * 8);

        // What comes later in the batch is found too, and the order is not made anew for it.
        long before = _keys.Overlay.Comparisons;
        Write(batch, 0, "00000005aa", isDelete: false);
        Assert.Equal(KvStatus.Conflict, Check(0, [between[5]])!.Value.Code);
        Assert.InRange(_keys.Overlay.Comparisons - before, 1, 14 * 16);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Check_answers_as_a_look_at_every_key_does(int seed)
    {
        var random = new Random(seed);
        for (int round = 0; round < 60; round++)
        {
            using IKvBatch batch = _store.CreateBatch();
            for (int step = 0; step < 40; step++)
            {
                if (random.Next(3) > 0)
                {
                    Write(batch, (uint)random.Next(2), RandomKey(random), random.Next(4) == 0);
                    continue;
                }

                int readVersion = (int)random.NextInt64(Math.Max(0, _version - 60), _version + 1);
                ConflictRange[] ranges = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => Range(
                    random.Next(2) == 0 ? null : "other", RandomKey(random), random.Next(5) == 0
                        ? null : RandomKey(random)))];
                CommandResult? actual = Check(readVersion, ranges);
                CommandResult? expected = Naive(readVersion, ranges);
                Assert.True(actual?.Code == expected?.Code && actual?.Message == expected?.Message,
                    $"seed {seed}, round {round}: {actual}, not {expected}");
            }

            _store.Write(batch);
            _keys.Clear();
        }
    }

    private static string RandomKey(Random random) => new string('k', random.Next(1, 3)) + random.Next(30);

    private static ConflictRange Range(string? columnFamily, string begin, string? end) => new(
        columnFamily, StateHarness.Bytes(begin), StateHarness.OptionalBytes(end));

    private void Write(IKvBatch batch, uint keyspace, string key, bool isDelete)
    {
        var version = new CommitVersion(++_version);
        _keys.Write(batch, _keyspaces.Keyspaces.Single(known => known.Id == keyspace), Encoding.UTF8.GetBytes(key), [1],
            isDelete, version, ref _hasher);
        if (!isDelete || _expected.TryGetValue((keyspace, key), out KeyState before) && !before.IsTombstone)
        {
            _expected[(keyspace, key)] = new KeyState(version, isDelete);
        }
    }

    private CommandResult? Check(long readVersion, IReadOnlyList<ConflictRange> ranges) => _checker.Check(
        new CommitCommand(new CommitVersion(readVersion), [], [], ranges), _keyspaces, CommitVersion.Zero);

    private CommandResult? Naive(long readVersion, IReadOnlyList<ConflictRange> ranges)
    {
        foreach (ConflictRange range in ranges)
        {
            uint keyspace = range.ColumnFamily is null ? 0u : 1u;
            string begin = Encoding.UTF8.GetString(range.Begin.Span);
            string? end = range.End is ReadOnlyMemory<byte> last ? Encoding.UTF8.GetString(last.Span) : null;
            foreach (((uint Keyspace, string Key) at, KeyState state) in _expected)
            {
                if (at.Keyspace == keyspace && string.CompareOrdinal(at.Key, begin) >= 0
                    && (end is null || string.CompareOrdinal(at.Key, end) < 0) && state.Version.Value > readVersion)
                {
                    return new CommandResult(
                        KvStatus.Conflict,
                        Message: $"a range that the transaction read at version {readVersion} was written at version"
                            + $" {state.Version}");
                }
            }
        }

        return null;
    }
}

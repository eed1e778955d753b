using System.Buffers.Binary;
using System.IO.Hashing;
using KvCloud.Node.Operations;
using KvCloud.Node.State;
using static KvCloud.Tests.Node.State.StateHarness;

namespace KvCloud.Tests.Node.State;

public sealed class KvStateMachineTests : IDisposable
{
    private readonly StateHarness _state = InMemory();

    public void Dispose() => _state.Dispose();

    [Fact]
    public void Apply_sets_and_deletes_takes_one_version_each()
    {
        IReadOnlyList<CommandResult> results = _state.Apply(
            Set("a", "1"), Set("b", "2"), Delete("a"), Delete("nothing"));

        Assert.Equal([1L, 2L, 3L, 4L], results.Select(result => result.Version.Value));
        Assert.All(results, result => Assert.Equal(KvStatus.Ok, result.Code));
        Assert.Null(_state.Get("a"));
        Assert.Equal("2", _state.Get("b"));
        Assert.Equal(1, _state.Reader.GetStatistics().TotalKeys);
    }

    [Fact]
    public void Get_at_version_sees_that_moment()
    {
        _state.Apply(Set("a", "1"));
        _state.Apply(Set("a", "2"), Delete("a"), Set("a", "4"));

        Assert.Null(_state.Get("a", at: 0));
        Assert.Equal("1", _state.Get("a", at: 1));
        Assert.Equal("2", _state.Get("a", at: 2));
        Assert.Null(_state.Get("a", at: 3));
        Assert.Equal("4", _state.Get("a", at: 4));
    }

    [Fact]
    public void Get_at_version_keeps_keys_apart_whose_bytes_look_like_versions()
    {
        string prefix = "k";
        string[] keys =
            [prefix, prefix + "\0", prefix + "\u007f\u007f\u007f\u007f\u007f\u007f\u007f\u007f", prefix + "z"];
        foreach (string key in keys)
        {
            _state.Apply(Set(key, "old " + key), Set(key, "new " + key));
        }

        long version = 1;
        foreach (string key in keys)
        {
            Assert.Equal("old " + key, _state.Get(key, at: version));
            Assert.Equal("new " + key, _state.Get(key, at: version + 1));
            version += 2;
        }
    }

    [Fact]
    public void Get_at_version_nobody_issued_says_so()
    {
        _state.Apply(Set("a", "1"));

        GetResult result = _state.Reader.Get(null, Bytes("a"), new CommitVersion(2));

        Assert.Equal(KvStatus.VersionInFuture, result.Code);
    }

    [Fact]
    public void Get_below_window_is_too_old()
    {
        _state.Retention = new MvccRetention(TimeMs: 1_000, Versions: 1_000);
        _state.Apply(Set("a", "1"));
        Pass(500);
        _state.Apply(Set("a", "2"));
        Pass(400);
        _state.Apply(Set("b", "3"));

        // Version 1 was superseded 400 ms ago, version 0 900 ms ago: both stay.
        Assert.Equal(0, _state.Reader.OldestReadableVersion.Value);
        Pass(500);
        _state.Apply(Set("b", "4"));
        Assert.Equal(1, _state.Reader.OldestReadableVersion.Value);
        Assert.Equal("1", _state.Get("a", at: 1));
        Assert.Equal(KvStatus.VersionTooOld, _state.Reader.Get(null, Bytes("a"), CommitVersion.Zero).Code);
        Assert.Equal(
            KvStatus.VersionTooOld, _state.Reader.GetRange(null, All(), CommitVersion.Zero).Code);
    }

    [Fact]
    public void OldestReadable_of_many_versions_is_bounded_by_versions_too()
    {
        _state.Retention = new MvccRetention(TimeMs: 1_000_000, Versions: 3);
        for (int i = 0; i < 10; i++)
        {
            _state.Apply(Set("a", $"{i}"));
        }

        Assert.Equal(6, _state.Reader.OldestReadableVersion.Value);
    }

    [Fact]
    public void AdvanceClock_that_goes_back_moves_no_window()
    {
        _state.Retention = new MvccRetention(TimeMs: 1_000, Versions: 1_000);
        _state.Apply(Set("a", "1"));
        Pass(5_000);
        _state.Apply(Set("a", "2"));
        Pass(1_000);
        _state.Apply(Set("a", "3"));
        CommitVersion oldest = _state.Reader.OldestReadableVersion;
        _state.UnixMs = 1;
        _state.Apply(Set("a", "4"));

        Assert.True(oldest > CommitVersion.Zero);
        Assert.Equal(oldest, _state.Reader.OldestReadableVersion);
    }

    [Fact]
    public void AdvanceClock_a_day_ahead_takes_an_eighth_of_the_window_and_does_not_stop_it()
    {
        const int aDayMs = 86_400_000;
        _state.Retention = new MvccRetention(TimeMs: 1_000, Versions: 1_000_000);
        _state.Apply(Set("a", "1"));
        Pass(800);
        _state.Apply(Set("a", "2"));
        CommitVersion before = _state.Reader.OldestReadableVersion;

        _state.UnixMs += aDayMs;
        _state.Apply(Set("a", "3"));
        Assert.Equal(before, _state.Reader.OldestReadableVersion);
        Assert.Equal("1", _state.Get("a", at: 1));

        // The step that the leap took is owed once, in case the clock leaps again.
        _state.UnixMs -= aDayMs;
        Pass(1_100 + (1_000 / 8));
        _state.Apply(Set("a", "4"));
        Assert.True(_state.Reader.OldestReadableVersion.Value >= 2, "the window stands still");
    }

    [Fact]
    public void AdvanceClock_that_wavers_does_not_run_faster()
    {
        _state.Retention = new MvccRetention(TimeMs: 1_000, Versions: 1_000_000);
        _state.Apply(Set("a", "1"));
        for (int i = 0; i < 200; i++)
        {
            _state.UnixMs += i % 2 == 0 ? 100 : -100;
            _state.Apply();
        }

        Assert.Equal(CommitVersion.Zero, _state.Reader.OldestReadableVersion);
    }

    /// <summary>Found by the simulator: each change of leaders took an eighth of the window.</summary>
    [Fact]
    public void AdvanceClock_of_two_leaders_that_take_turns_does_not_run_faster()
    {
        _state.Retention = new MvccRetention(TimeMs: 1_000, Versions: 1_000_000);
        _state.Apply(Set("a", "1"));
        for (int i = 0; i < 200; i++)
        {
            _state.UnixMs += i % 2 == 0 ? 400 : -398;
            _state.Apply(Set("a", $"{i}"));
        }

        // 200 ms have passed by either clock, and what the first leap forward took.
        Assert.Equal(CommitVersion.Zero, _state.Reader.OldestReadableVersion);
        Assert.Equal("1", _state.Get("a", at: 1));
    }

    [Fact]
    public void OldestReadable_after_a_crash_goes_on_as_without_one()
    {
        _state.Retention = new MvccRetention(TimeMs: 1_000, Versions: 1_000_000);
        using StateHarness other = InMemory();
        other.Retention = _state.Retention;
        for (int i = 0; i < 60; i++)
        {
            _state.UnixMs += i == 20 ? 86_400_000 : i == 40 ? -86_400_000 : 70;
            other.UnixMs = _state.UnixMs;
            _state.Apply(Set("a", $"{i}"));
            other.Apply(Set("a", $"{i}"));
            if (i % 7 == 0)
            {
                _state.Executor.Flush();
                _state.Crash();
            }
        }

        Assert.Equal(other.Executor.Applied, _state.Executor.Applied);
        Assert.Equal(other.Reader.OldestReadableVersion, _state.Reader.OldestReadableVersion);
        Assert.True(_state.Reader.OldestReadableVersion > CommitVersion.Zero);
    }

    [Fact]
    public void StateRecord_of_format_1_is_read_with_the_logged_time_as_clock()
    {
        byte[] record = new byte[61];
        record[0] = 1;
        BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(1), 7);
        BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(9), 9);
        BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(33), 123_456);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(53), XxHash3.HashToUInt64(record.AsSpan(0, 53)));

        var state = StateRecord.Read(record);

        Assert.Equal(
            (7L, 9L, 123_456L, 123_456L),
            (state.AppliedSlot.Value, state.AppliedVersion.Value, state.LoggedUnixMs, state.WindowClockMs));
    }

    [Fact]
    public void Commit_whose_read_key_changed_conflicts_and_leaves_nothing()
    {
        _state.Apply(Set("a", "1"), Set("b", "1"));
        _state.Apply(Set("a", "2"));

        CommandResult result = _state.ApplyOne(
            Commit(2, [Mutate(MutationKind.Set, "b", "x"), Mutate(MutationKind.Set, "c", "x")], ["a"]));

        Assert.Equal(KvStatus.Conflict, result.Code);
        Assert.Equal("1", _state.Get("b"));
        Assert.Null(_state.Get("c"));
        Assert.Equal(3, _state.Reader.AppliedVersion.Value);
    }

    [Fact]
    public void Commit_conflicts_with_a_write_of_the_same_slot()
    {
        _state.Apply(Set("a", "1"));

        IReadOnlyList<CommandResult> results = _state.Apply(
            Commit(1, [Mutate(MutationKind.Set, "a", "first")], ["a"]),
            Commit(1, [Mutate(MutationKind.Set, "a", "second")], ["a"]));

        Assert.Equal(KvStatus.Ok, results[0].Code);
        Assert.Equal(KvStatus.Conflict, results[1].Code);
        Assert.Equal("first", _state.Get("a"));
    }

    [Fact]
    public void Commit_conflicts_with_a_delete()
    {
        _state.Apply(Set("a", "1"));
        _state.Apply(Delete("a"));

        Assert.Equal(KvStatus.Conflict, _state.ApplyOne(Commit(1, [Mutate(MutationKind.Set, "b")], ["a"])).Code);
        Assert.Equal(KvStatus.Ok, _state.ApplyOne(Commit(2, [Mutate(MutationKind.Set, "b")], ["a"])).Code);
    }

    [Theory]
    [InlineData("b", "d", true)]
    [InlineData("b", "c", false)]
    [InlineData("c", null, true)]
    [InlineData("d", null, false)]
    public void Commit_whose_read_range_changed_conflicts(string begin, string? end, bool conflicts)
    {
        _state.Apply(Set("a", "1"), Set("e", "1"));
        _state.Apply(Set("c", "new"));

        CommandResult stored = _state.ApplyOne(
            Commit(2, [Mutate(MutationKind.Set, "0", "x")], conflictRanges: [(begin, end)]));
        long readVersion = _state.Reader.AppliedVersion.Value;
        CommandResult pending = _state.Apply(
            Set("c", "newer"),
            Commit(readVersion, [Mutate(MutationKind.Set, "0", "x")], conflictRanges: [(begin, end)]))[1];

        Assert.Equal(conflicts ? KvStatus.Conflict : KvStatus.Ok, stored.Code);
        Assert.Equal(conflicts ? KvStatus.Conflict : KvStatus.Ok, pending.Code);
    }

    [Fact]
    public void Commit_below_window_is_too_old_only_if_it_read()
    {
        _state.Retention = new MvccRetention(TimeMs: 1_000_000, Versions: 1);
        _state.Apply(Set("a", "1"));
        _state.Apply(Set("a", "2"));
        _state.Apply(Set("a", "3"));
        _state.Apply(Set("a", "4"));

        CommandResult read = _state.ApplyOne(Commit(1, [Mutate(MutationKind.Set, "b")], ["c"]));
        CommandResult blind = _state.ApplyOne(Commit(0, [Mutate(MutationKind.Set, "b")]));

        Assert.Equal(KvStatus.VersionTooOld, read.Code);
        Assert.Equal(KvStatus.Ok, blind.Code);
    }

    [Fact]
    public void Commit_above_applied_is_in_future()
    {
        _state.Apply(Set("a", "1"));

        Assert.Equal(
            KvStatus.VersionInFuture, _state.ApplyOne(Commit(2, [Mutate(MutationKind.Set, "b")])).Code);
    }

    [Fact]
    public void Commit_writes_one_version_and_last_write_of_a_key_holds()
    {
        _state.Apply(Set("a", "old"), Set("gone", "old"));

        CommandResult result = _state.ApplyOne(Commit(2,
        [
            Mutate(MutationKind.Set, "a", "1"),
            Mutate(MutationKind.Delete, "a"),
            Mutate(MutationKind.Set, "a", "2"),
            Mutate(MutationKind.Delete, "gone"),
            Mutate(MutationKind.Set, "new", "1"),
            Mutate(MutationKind.Delete, "new"),
        ]));

        Assert.Equal(3, result.Version.Value);
        Assert.Equal(["a=2"], _state.Range(All()));
        Assert.Equal(["a=old", "gone=old"], _state.Range(All(), at: 2));
        Assert.Equal(1, _state.Reader.GetStatistics().TotalKeys);
    }

    [Fact]
    public void Commit_without_mutations_takes_no_version()
    {
        _state.Apply(Set("a", "1"), Set("a", "2"));

        CommandResult result = _state.ApplyOne(Commit(1, [], ["a"]));

        Assert.Equal(KvStatus.Ok, result.Code);
        Assert.Equal(1, result.Version.Value);
        Assert.Equal(2, _state.Reader.AppliedVersion.Value);
    }

    [Fact]
    public void Versionstamp_of_a_commit_is_version_and_order_big_endian()
    {
        _state.Apply(Set("x", "1"));

        CommandResult result = _state.ApplyOne(Commit(1,
        [
            Mutate(MutationKind.Set, "plain", "1"),
            Mutate(MutationKind.SetVersionstampedKey, "log/0123456789", "entry"),
            Mutate(MutationKind.SetVersionstampedValue, "head", "0123456789"),
        ]));

        Assert.Equal(2, result.Generated!.Count);
        Assert.Equal([.. "log/"u8, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1], result.Generated[0]);
        Assert.Equal([0, 0, 0, 0, 0, 0, 0, 2, 0, 2], result.Generated[1]);
        Assert.Equal(result.Generated[1], _state.Reader.Get(null, Bytes("head"), null).Value);
        Assert.Equal("entry"u8.ToArray(), _state.Reader.Get(null, result.Generated[0], null).Value);
    }

    [Theory]
    [InlineData(nameof(MutationKind.SetVersionstampedKey), "123456789", "v")]
    [InlineData(nameof(MutationKind.SetVersionstampedValue), "k", "123456789")]
    [InlineData(nameof(MutationKind.Set), "", "v")]
    public void Commit_malformed_operation_is_invalid_and_leaves_nothing(string kind, string key, string value)
    {
        CommandResult result = _state.ApplyOne(
            Commit(0, [Mutate(MutationKind.Set, "a", "1"), Mutate(Enum.Parse<MutationKind>(kind), key, value)]));

        Assert.Equal(KvStatus.InvalidOperation, result.Code);
        Assert.Contains("operation 1", result.Message, StringComparison.Ordinal);
        Assert.Null(_state.Get("a"));
    }

    [Fact]
    public void CommandValidator_limits_answer_with_their_own_codes()
    {
        byte[] longKey = new byte[KvLimits.KeySizeBytes + 1];
        byte[] longValue = new byte[KvLimits.ValueSizeBytes + 1];
        var many = Enumerable.Range(0, KvLimits.TransactionOperations + 1)
            .Select(i => Mutate(MutationKind.Delete, $"{i}")).ToList();
        var large = Enumerable.Range(0, 11)
            .Select(i => new Mutation(MutationKind.Set, null, Bytes($"{i}"), new byte[KvLimits.ValueSizeBytes]))
                .ToList();

        IReadOnlyList<CommandResult> results = _state.Apply(
            new SetCommand(null, longKey, default),
            new SetCommand(null, Bytes("a"), longValue),
            new SetCommand(null, default, Bytes("a")),
            Commit(0, many),
            Commit(0, large),
            new SetCommand("nowhere", Bytes("a"), default));

        Assert.Equal(
            [
                KvStatus.KeyTooLarge, KvStatus.ValueTooLarge, KvStatus.InvalidArgument,
                KvStatus.TooManyOperations, KvStatus.TransactionTooLarge, KvStatus.ColumnFamilyNotFound,
            ],
            results.Select(result => result.Code));
        Assert.Equal("key cannot be empty", results[2].Message);
        Assert.Equal("Column family 'nowhere' not found", results[5].Message);
        Assert.Equal(0, _state.Reader.AppliedVersion.Value);
    }

    [Fact]
    public void CommandValidator_largest_key_and_value_are_taken()
    {
        byte[] key = [.. Enumerable.Repeat((byte)0xFF, KvLimits.KeySizeBytes)];
        byte[] value = new byte[KvLimits.ValueSizeBytes];
        value[^1] = 7;

        Assert.Equal(KvStatus.Ok, _state.ApplyOne(new SetCommand(null, key, value)).Code);
        Assert.Equal(KvStatus.Ok, _state.ApplyOne(new SetCommand(null, key, default)).Code);
        Assert.Equal(value, _state.Reader.Get(null, key, new CommitVersion(1)).Value);
        Assert.Empty(_state.Reader.Get(null, key, null).Value!);
        Assert.Single(_state.Reader.GetRange(null, All(), new CommitVersion(1)).Rows);
    }

    [Fact]
    public void KvStoreExecutor_malformed_batch_is_skipped_and_reported()
    {
        _state.ChoosePayload([1, 2, 3]);
        var writer = new CommandBatchWriter();
        writer.Add(CommandCodec.Encode(Set("a", "1")));
        writer.Add(CommandCodec.Encode(Set("b", "1")));
        byte[] payload = writer.Build(1, MvccRetention.Default);
        _state.ChoosePayload(payload[..^2]);

        IReadOnlyList<CommandResult> results = _state.ApplyChosen();

        Assert.Single(results);
        Assert.Equal(2, _state.Malformed.Count);
        Assert.Equal("1", _state.Get("a"));
        Assert.Equal(2, _state.Executor.AppliedSlot.Value);
    }

    [Fact]
    public void Apply_out_of_order_breaks_an_invariant()
    {
        _state.Choose(Set("a", "1"));
        _state.Choose(Set("a", "2"));

        Assert.Throws<KvCloud.Consensus.InvariantViolationException>(
            () => _state.Executor.Apply(_state.Log.GetRange(1, 1), null));
    }

    /// <summary>Time that passes with slots in it: one slot moves the window by no more than an eighth.</summary>
    private void Pass(int milliseconds)
    {
        for (int passed = 0; passed < milliseconds; passed += 100)
        {
            _state.UnixMs += Math.Min(100, milliseconds - passed);
            _state.Apply();
        }
    }
}

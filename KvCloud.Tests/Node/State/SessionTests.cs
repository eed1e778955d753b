using KvCloud.Node.Operations;
using static KvCloud.Tests.Node.State.StateHarness;

namespace KvCloud.Tests.Node.State;

public sealed class SessionTests : IDisposable
{
    private readonly StateHarness _state = InMemory();

    public void Dispose() => _state.Dispose();

    [Fact]
    public void Recall_of_a_retry_gets_the_same_answer_and_runs_once()
    {
        long session = Open();
        KvCommand first = Set("a", "1") with { Identity = new RequestIdentity(session, 1, 0) };
        CommandResult answer = _state.ApplyOne(first);
        _state.Apply(Set("a", "2"));

        CommandResult retry = _state.ApplyOne(first);

        Assert.Equal(answer, retry);
        Assert.Equal("2", _state.Get("a"));
        Assert.Equal(3, _state.Reader.AppliedVersion.Value);
    }

    [Fact]
    public void Recall_of_a_retry_in_the_same_slot_runs_once()
    {
        KvCommand command = Set("a", "1") with { Identity = new RequestIdentity(Open(), 1, 0) };

        IReadOnlyList<CommandResult> results = _state.Apply(command, command, command);

        Assert.All(results, result => Assert.Equal(results[0], result));
        Assert.Equal(2, _state.Reader.AppliedVersion.Value);
    }

    [Fact]
    public void Recall_of_a_versionstamped_commit_says_again_what_it_generated()
    {
        KvCommand command = Commit(0, [Mutate(MutationKind.SetVersionstampedKey, "0123456789", "x")]) with
        {
            Identity = new RequestIdentity(Open(), 1, 0),
        };
        CommandResult answer = _state.ApplyOne(command);
        _state.Executor.Flush();
        _state.Crash();
        _state.Apply(Set("x", "1"));

        CommandResult retry = _state.ApplyOne(command);

        Assert.Equal(answer.Version, retry.Version);
        Assert.Equal(answer.Generated!.Single(), retry.Generated!.Single());
        Assert.Equal(2, _state.Reader.GetStatistics().TotalKeys);
    }

    [Fact]
    public void Remember_refusal_is_kept_like_any_answer()
    {
        _state.Apply(Set("a", "1"), Set("a", "2"));
        KvCommand command = Commit(1, [Mutate(MutationKind.Set, "b", "x")], ["a"]) with
        {
            Identity = new RequestIdentity(Open(), 1, 0),
        };
        CommandResult answer = _state.ApplyOne(command);
        CommandResult retry = _state.ApplyOne(command);

        Assert.Equal(KvStatus.Conflict, answer.Code);
        Assert.Equal(answer, retry);
    }

    [Fact]
    public void Recall_same_sequence_for_another_command_is_refused()
    {
        long session = Open();
        _state.Apply(Set("a", "1") with { Identity = new RequestIdentity(session, 1, 0) });

        CommandResult result = _state.ApplyOne(Set("a", "2") with { Identity = new RequestIdentity(session, 1, 0) });

        Assert.Equal(KvStatus.SequenceReused, result.Code);
        Assert.Equal("1", _state.Get("a"));
    }

    [Fact]
    public void Recall_of_a_retry_that_acknowledges_more_is_still_the_same_request()
    {
        long session = Open();
        CommandResult answer = _state.ApplyOne(Set("a", "1") with { Identity = new RequestIdentity(session, 2, 0) });
        CommandResult retry = _state.ApplyOne(Set("a", "1") with { Identity = new RequestIdentity(session, 2, 2) });

        Assert.Equal(answer, retry);
    }

    [Fact]
    public void Recall_unknown_session_and_acknowledged_sequence_never_run()
    {
        long session = Open();
        _state.Apply(Set("a", "1") with { Identity = new RequestIdentity(session, 1, 0) });
        _state.Apply(Set("a", "2") with { Identity = new RequestIdentity(session, 2, 2) });

        IReadOnlyList<CommandResult> results = _state.Apply(
            Set("a", "3") with { Identity = new RequestIdentity(session, 1, 2) },
            Set("a", "3") with { Identity = new RequestIdentity(session + 1_000, 1, 0) });

        Assert.All(results, result => Assert.Equal(KvStatus.SessionExpired, result.Code));
        Assert.Equal("2", _state.Get("a"));
    }

    [Fact]
    public void RequestIdentity_out_of_range_is_refused_by_name()
    {
        IReadOnlyList<CommandResult> results = _state.Apply(
            Set("a", "1") with { Identity = new RequestIdentity(0, 1, 0) },
            Set("a", "1") with { Identity = new RequestIdentity(1, 0, 0) },
            Set("a", "1") with { Identity = new RequestIdentity(1, long.MaxValue, 0) });

        Assert.All(results, result => Assert.Equal(KvStatus.InvalidArgument, result.Code));
        Assert.Contains("client_id", results[0].Message, StringComparison.Ordinal);
        Assert.Contains("sequence", results[1].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Remember_beyond_a_window_of_answers_forgets_the_oldest()
    {
        long session = Open();
        KvCommand Request(long sequence) =>
            Set("a", $"{sequence}") with { Identity = new RequestIdentity(session, sequence, 0) };
        for (long sequence = 1; sequence <= KvLimits.SessionAnswers + 1; sequence++)
        {
            _state.Apply(Request(sequence));
        }

        CommitVersion version = _state.Reader.AppliedVersion;
        Assert.Equal(KvStatus.SessionExpired, _state.ApplyOne(Request(1)).Code);
        Assert.Equal(KvStatus.Ok, _state.ApplyOne(Request(2)).Code);
        Assert.Equal(version, _state.Reader.AppliedVersion);
    }

    [Fact]
    public void Remember_sequences_may_come_in_any_order()
    {
        long session = Open();
        foreach (long sequence in (long[])[5, 3, 900, 1])
        {
            Assert.Equal(
                KvStatus.Ok,
                _state.ApplyOne(Set($"k{sequence}", "x") with { Identity = new RequestIdentity(session, sequence, 0) })
                    .Code);
        }

        Assert.Equal(4, _state.Reader.GetStatistics().TotalKeys);
    }

    [Fact]
    public void Evict_least_recently_used_session_goes_first()
    {
        long first = Open();
        long second = Open();
        _state.Apply(Set("a", "1") with { Identity = new RequestIdentity(first, 1, 0) });
        _state.Executor.Flush();
        _state.Crash();
        for (int i = 2; i < KvLimits.Sessions; i += 1_000)
        {
            _state.Apply([.. Enumerable.Repeat(new OpenSessionCommand(), Math.Min(1_000, KvLimits.Sessions - i))]);
        }

        Assert.Equal(KvLimits.Sessions, _state.Executor.SessionCount);
        Open();

        Assert.Equal(KvLimits.Sessions, _state.Executor.SessionCount);
        Assert.Equal(
            KvStatus.Ok, _state.ApplyOne(Set("a", "1") with { Identity = new RequestIdentity(first, 1, 0) }).Code);
        Assert.Equal(
            KvStatus.SessionExpired,
            _state.ApplyOne(Set("a", "1") with { Identity = new RequestIdentity(second, 1, 0) }).Code);
    }

    private long Open()
    {
        CommandResult result = _state.ApplyOne(new OpenSessionCommand());
        Assert.Equal(KvStatus.Ok, result.Code);
        return result.Version.Value;
    }
}

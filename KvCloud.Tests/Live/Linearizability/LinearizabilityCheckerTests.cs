using static KvCloud.Tests.Live.Linearizability.RecordedOperation;

namespace KvCloud.Tests.Live.Linearizability;

/// <summary>The checker itself: it takes what is in order, and nothing else.</summary>
public sealed class LinearizabilityCheckerTests
{
    [Fact]
    public void Check_one_after_the_other_is_in_order() => Accepts(
        Read("k", Absent, 0, 1), Write("k", 7, 2, 3), Read("k", 7, 4, 5), Write("k", Absent, 6, 7),
        Read("k", Absent, 8, 9));

    [Fact]
    public void Check_write_under_way_may_be_seen_or_not() => Accepts(
        Write("k", 1, 0, 1), Write("k", 2, 10, 30), Read("k", 1, 11, 12), Read("k", 2, 20, 21), Read("k", 2, 22, 23));

    [Fact]
    public void Check_read_older_than_an_acknowledged_write_is_rejected() => Rejects(
        Write("k", 1, 0, 1), Write("k", 2, 2, 3), Read("k", 1, 4, 5));

    [Fact]
    public void Check_lost_write_is_rejected() => Rejects(Write("k", 1, 0, 1), Read("k", Absent, 2, 3));

    [Fact]
    public void Check_value_that_nobody_wrote_is_rejected() => Rejects(Write("k", 1, 0, 1), Read("k", 9, 2, 3));

    [Fact]
    public void Check_value_read_before_its_write_began_is_rejected() =>
        Rejects(Read("k", 1, 0, 1), Write("k", 1, 2, 3));

    [Fact]
    public void Check_new_then_old_seen_by_two_readers_during_one_write_is_rejected() => Rejects(
        Write("k", 1, 0, 1), Write("k", 2, 10, 50), Read("k", 2, 11, 20, "a"), Read("k", 1, 21, 30, "b"));

    [Fact]
    public void Check_two_readers_that_see_two_writes_in_different_orders_are_rejected() => Rejects(
        Write("k", 1, 0, 100), Write("k", 2, 0, 100),
        Read("k", 1, 110, 120), Read("k", 2, 130, 140));

    [Fact]
    public void Check_write_of_unknown_outcome_may_take_effect_late_or_never()
    {
        Accepts(Write("k", 1, 0, 1), Write("k", 2, 2, Never), Read("k", 1, 3, 4), Read("k", 2, 90, 91));
        Accepts(Write("k", 1, 0, 1), Write("k", 2, 2, Never), Read("k", 1, 90, 91));
        Accepts(Write("k", 1, 0, 1), Write("k", Absent, 2, Never), Read("k", 1, 3, 4), Read("k", Absent, 90, 91));
    }

    [Fact]
    public void Check_write_of_unknown_outcome_that_was_seen_does_not_vanish() => Rejects(
        Write("k", 1, 0, 1), Write("k", 2, 2, Never), Read("k", 2, 3, 4), Read("k", 1, 5, 6));

    [Fact]
    public void Check_write_of_unknown_outcome_does_not_take_effect_twice() => Rejects(
        Write("k", 2, 0, Never), Read("k", 2, 1, 2), Write("k", 3, 3, 4), Read("k", 3, 5, 6), Read("k", 2, 7, 8));

    [Fact]
    public void Check_delete_that_comes_back_is_rejected() => Rejects(
        Write("k", 1, 0, 1), Write("k", Absent, 2, 3), Read("k", Absent, 4, 5), Read("k", 1, 6, 7));

    [Fact]
    public void Check_two_transactions_on_the_same_value_are_rejected() => Rejects(
        Write("k", 1, 0, 1), CompareAndSet("k", 1, 2, 2, 10), CompareAndSet("k", 1, 3, 2, 10));

    [Fact]
    public void Check_two_transactions_on_the_same_value_may_stand_when_one_is_unknown()
    {
        Accepts(Write("k", 1, 0, 1), CompareAndSet("k", 1, 2, 2, 10), CompareAndSet("k", 1, 3, 2, Never),
            Read("k", 2, 11, 12));
        Rejects(
            Write("k", 1, 0, 1), CompareAndSet("k", 1, 2, 2, 10), CompareAndSet("k", 1, 3, 2, Never),
            Read("k", 3, 11, 12));
    }

    [Fact]
    public void Check_chain_of_unknown_transactions_may_show_at_its_end() => Accepts(
        Write("k", 1, 0, 1), CompareAndSet("k", 1, 2, 2, Never), CompareAndSet("k", 2, 3, 3, Never),
        Read("k", 3, 9, 10));

    [Fact]
    public void Check_lost_update_between_read_and_commit_is_rejected() => Rejects(
        Write("k", 1, 0, 1), Write("k", 5, 2, 3), CompareAndSet("k", 1, 2, 4, 5));

    [Fact]
    public void Check_keys_are_checked_each_for_itself()
    {
        IReadOnlyList<string> findings = LinearizabilityChecker.Check(
            [Write("a", 1, 0, 1), Read("a", 1, 2, 3), Write("b", 2, 0, 1), Read("b", Absent, 2, 3)]);

        string finding = Assert.Single(findings);
        Assert.StartsWith("b: no order of its 2 operations", finding, StringComparison.Ordinal);
        Assert.Contains("[2 .. 3]  read nothing (b)", finding, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_long_history_with_many_under_way_is_decided()
    {
        List<RecordedOperation> history = Simulate(new Random(5), operations: 4000, callers: 8, unknownPercent: 2);
        Accepts([.. history]);

        int last = history.FindLastIndex(operation => operation.Kind == OperationKind.Read);
        history[last] =
            history[last] with { Expected = history.First(operation => operation.Written != Absent).Written };
        Rejects([.. history]);
    }

    [Fact]
    public void Check_thousands_of_small_histories_are_judged_as_by_trying_every_order()
    {
        var random = new Random(20_261_122);
        int accepted = 0;
        for (int run = 0; run < 4000; run++)
        {
            RecordedOperation[] history = DrawSmall(random);
            bool expected = TryEveryOrder(history, Absent);
            accepted += expected ? 1 : 0;
            Assert.True(
                expected == (LinearizabilityChecker.Check(history).Count == 0),
                $"every order says {expected}:\n{string.Join<RecordedOperation>('\n', history)}");
        }

        Assert.InRange(accepted, 400, 3600);
    }

    private static void Accepts(params RecordedOperation[] history) =>
        Assert.Empty(LinearizabilityChecker.Check(history));

    private static void Rejects(params RecordedOperation[] history) =>
        Assert.Single(LinearizabilityChecker.Check(history));

    /// <summary>Few values, so that many are the same and many a guess is right.</summary>
    private static RecordedOperation[] DrawSmall(Random random) =>
    [
        .. Enumerable.Range(0, random.Next(2, 7)).Select(i =>
        {
            long start = random.Next(10);
            bool isUnknown = random.Next(4) == 0;
            long end = isUnknown ? Never : start + 1 + random.Next(8);
            return random.Next(3) switch
            {
                0 => Read("k", random.Next(4), start, isUnknown ? start + 20 : end),
                1 => Write("k", random.Next(4), start, end),
                _ => CompareAndSet("k", random.Next(4), 1 + random.Next(3), start, end),
            };
        }),
    ];

    /// <summary>The definition, word for word, without any cleverness.</summary>
    private static bool TryEveryOrder(IReadOnlyCollection<RecordedOperation> left, long value)
    {
        if (left.All(operation => operation.IsUnknown))
        {
            return true;
        }

        long earliestEnd = left.Min(operation => operation.End);
        return left.Any(next => next.Start <= earliestEnd
            && next.Apply(value) is long after
            && TryEveryOrder([.. left.Where(operation => !ReferenceEquals(operation, next))], after));
    }

    /// <summary>A register that really is one: each operation takes effect at a moment of its own.</summary>
    private static List<RecordedOperation> Simulate(Random random, int operations, int callers, int unknownPercent)
    {
        var drafts = new List<(long Start, long Effect, long End, int Kind)>();
        long[] free = new long[callers];
        for (int i = 0; i < operations; i++)
        {
            int caller = random.Next(callers);
            long start = free[caller] + 1 + random.Next(20);
            long effect = start + random.Next(20);
            long end = effect + random.Next(20);
            free[caller] = end;
            drafts.Add((start, effect, end, random.Next(4)));
        }

        long value = Absent;
        var history = new List<RecordedOperation>();
        foreach ((long start, long effect, long end, int kind) in drafts.OrderBy(draft => draft.Effect))
        {
            long next = history.Count + 1;
            long knownEnd = random.Next(100) < unknownPercent ? Never : end;
            switch (kind)
            {
                case 0:
                    history.Add(Write("k", next, start, knownEnd));
                    value = next;
                    break;
                case 1:
                    history.Add(CompareAndSet("k", value, next, start, knownEnd));
                    value = next;
                    break;
                default:
                    history.Add(Read("k", value, start, end));
                    break;
            }
        }

        return history;
    }
}

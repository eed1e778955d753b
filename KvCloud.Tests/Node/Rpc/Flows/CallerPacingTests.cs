using KvCloud.Node.Replication.Fairness;
using KvCloud.Node.Rpc;
using KvCloud.Node.Rpc.Flows;
using KvCloud.Tests.Node.Replication;

namespace KvCloud.Tests.Node.Rpc.Flows;

/// <summary>Whom the pacing slows down, and how far, told what callers took and how long threads waited.</summary>
public sealed class CallerPacingTests
{
    private const int ReviewMs = 100;
    private const long MaxDelayUs = 250;
    private const long TooLong = MaxDelayUs + 1;
    private const long LeastPerSecond = 2 * 1024 * 1024;

    private readonly ManualClock _clock = new() { NowUs = 1_000_000 };
    private readonly List<string> _held = [];
    private readonly CallerPacing _pacing;
    private readonly RpcFlow _greedy;
    private readonly RpcFlow[] _modest;

    public CallerPacingTests()
    {
        _pacing = new CallerPacing(MaxDelayUs, flow => _held.Add(flow.Name));
        _greedy = NewFlow("greedy");
        _modest = [.. Enumerable.Range(0, 10).Select(i => NewFlow($"modest {i}"))];
    }

    [Fact]
    public void Observe_one_that_takes_much_more_than_others_is_held_once_threads_wait_too_long()
    {
        Review(greedyCalls: 5_000, modestCalls: 50, reviews: 20);

        Assert.True(_pacing.HasHeavy);
        _pacing.Observe(MaxDelayUs);
        Assert.Null(_greedy.Pace.PerSecond);
        _pacing.Observe(TooLong);

        long took = 5_000L * FlowPace.CallCost * 1_000 / ReviewMs;
        Assert.InRange(_greedy.Pace.PerSecond!.Value, took * 88 / 100, took * 91 / 100);
        Assert.All(_modest, flow => Assert.Null(flow.Pace.PerSecond));
        Assert.Equal(["greedy"], _held);
    }

    [Theory]
    [InlineData(50, LeastPerSecond)]
    [InlineData(1_000, 2 * 1_000L * FlowPace.CallCost * 1_000 / ReviewMs)]
    public void Observe_nobody_gets_less_than_twice_what_others_take_nor_than_two_megabytes(int modestCalls, long least)
    {
        Review(greedyCalls: 20_000, modestCalls, reviews: 50);

        for (int i = 0; i < 1_000; i++)
        {
            _pacing.Observe(TooLong);
        }

        Assert.InRange(_greedy.Pace.PerSecond!.Value, least * 99 / 100, least);
    }

    [Fact]
    public void Observe_ninety_nine_short_delays_make_up_for_one_that_is_too_long()
    {
        Review(greedyCalls: 50_000, modestCalls: 50, reviews: 20);
        _pacing.Observe(TooLong);
        long began = _greedy.Pace.PerSecond!.Value;

        for (int i = 0; i < 500; i++)
        {
            _pacing.Observe(i % 100 == 0 ? TooLong : MaxDelayUs);
        }

        Assert.InRange(_greedy.Pace.PerSecond!.Value, began * 95 / 100, began * 105 / 100);
        for (int i = 0; i < 500; i++)
        {
            _pacing.Observe(i % 100 < 2 ? TooLong : MaxDelayUs);
        }

        Assert.True(_greedy.Pace.PerSecond < began * 3 / 4);
    }

    [Fact]
    public void Observe_pace_that_makes_its_caller_wait_for_nothing_ends()
    {
        Review(greedyCalls: 20_000, modestCalls: 50, reviews: 20);
        for (int i = 0; i < 10; i++)
        {
            _pacing.Observe(TooLong);
        }

        long took = 20_000L * FlowPace.CallCost * 1_000 / ReviewMs;
        long largest = 0;
        for (int i = 0; i < 5_000 && _greedy.Pace.PerSecond is { } pace; i++)
        {
            largest = Math.Max(largest, pace);
            _pacing.Observe(MaxDelayUs);
        }

        Assert.Null(_greedy.Pace.PerSecond);
        Assert.InRange(largest, took * 3, took * 4);
        _pacing.Observe(MaxDelayUs);
        Assert.Null(_greedy.Pace.PerSecond);
    }

    [Theory]
    [InlineData(5_000, 5_000)]
    [InlineData(150, 50)]
    [InlineData(5_000, 0)]
    public void Review_one_alone_or_one_among_equals_is_not_heavy(int greedyCalls, int modestCalls)
    {
        Review(greedyCalls, modestCalls, reviews: 20);
        _pacing.Observe(TooLong);

        Assert.False(_pacing.HasHeavy);
        Assert.Null(_greedy.Pace.PerSecond);
    }

    [Fact]
    public void Review_a_health_check_slows_nobody_down()
    {
        for (int review = 0; review < 20; review++)
        {
            _greedy.Pace.CountCalls(5_000, 0);
            _modest[0].Pace.CountCalls(2, 0);
            Review();
        }

        Assert.False(_pacing.HasHeavy);
    }

    [Fact]
    public void Review_one_large_answer_makes_nobody_heavy()
    {
        Review(greedyCalls: 50, modestCalls: 50, reviews: 20);
        _greedy.Pace.CountAnswers(10 * 50 * FlowPace.CallCost / 2);
        Review(greedyCalls: 50, modestCalls: 50, reviews: 1);

        Assert.False(_pacing.HasHeavy);
    }

    [Fact]
    public void Review_one_that_takes_no_more_than_others_or_whom_they_have_left_is_free_after_a_second()
    {
        Review(greedyCalls: 5_000, modestCalls: 50, reviews: 20);
        _pacing.Observe(TooLong);

        // It has less in a review, but its pace makes it wait.
        for (int review = 0; review < 30; review++)
        {
            _greedy.Pace.PayForCall(10_000_000);
            Assert.True(_greedy.IsSpent);
            Review(greedyCalls: 10, modestCalls: 50, reviews: 1);
        }

        Assert.NotNull(_greedy.Pace.PerSecond);
        Review(greedyCalls: 5_000, modestCalls: 0, reviews: 9);
        Assert.NotNull(_greedy.Pace.PerSecond);
        Review(greedyCalls: 5_000, modestCalls: 0, reviews: 1);
        Assert.Null(_greedy.Pace.PerSecond);
        Assert.False(_pacing.HasHeavy);
    }

    [Fact]
    public void Review_one_that_owes_for_seconds_is_held_until_it_has_paid()
    {
        Review(greedyCalls: 5_000, modestCalls: 50, reviews: 20);
        for (int i = 0; i < 100; i++)
        {
            _pacing.Observe(TooLong);
        }

        _greedy.Pace.PayForCall(8 * LeastPerSecond);
        Review(greedyCalls: 0, modestCalls: 50, reviews: 70);
        Assert.True(_greedy.IsSpent);
        Review(greedyCalls: 0, modestCalls: 50, reviews: 25);

        Assert.Null(_greedy.Pace.PerSecond);
    }

    [Fact]
    public void Observe_several_heavy_ones_are_all_held()
    {
        for (int review = 0; review < 20; review++)
        {
            _modest[0].Pace.CountCalls(5_000, 0);
            Review(greedyCalls: 5_000, modestCalls: 50, reviews: 1);
        }

        _pacing.Observe(TooLong);

        Assert.NotNull(_greedy.Pace.PerSecond);
        Assert.NotNull(_modest[0].Pace.PerSecond);
        Assert.Null(_modest[1].Pace.PerSecond);
    }

    private void Review(int greedyCalls, int modestCalls, int reviews)
    {
        for (int review = 0; review < reviews; review++)
        {
            _greedy.Pace.CountCalls(greedyCalls, 0);
            foreach (RpcFlow flow in _modest)
            {
                flow.Pace.CountCalls(modestCalls, 0);
            }

            Review();
        }
    }

    private void Review()
    {
        _clock.NowUs += ReviewMs * 1_000;
        _pacing.Review([_greedy, .. _modest], _clock.NowMs, ReviewMs);
    }

    private RpcFlow NewFlow(string name) =>
        new(new Flow(name), new RpcLimits(), _clock, new FlowTurns(() => int.MaxValue));
}

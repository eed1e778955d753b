using KvCloud.Node.Replication.Fairness;

namespace KvCloud.Tests.Node.Replication.Fairness;

public sealed class WriteFlowsTests
{
    private readonly ManualClock _clock = new();
    private readonly WriteFlows _flows;

    public WriteFlowsTests()
    {
        _flows = new WriteFlows(_clock);
    }

    [Fact]
    public void Rent_of_the_same_name_gives_the_same_caller()
    {
        Flow anna = _flows.Rent("user anna");
        Assert.Same(anna, _flows.Rent("user anna"));
        Assert.NotSame(anna, _flows.Rent("address anna"));
        Assert.Equal(2, _flows.Count);
    }

    [Fact]
    public void ForgetIdle_caller_that_is_used_stays_and_one_that_is_not_goes_after_a_while()
    {
        Flow used = _flows.Rent("user anna");
        Flow idle = _flows.Rent("user bert");
        _flows.Rent("user bert");
        _flows.Return(idle);
        _flows.Return(idle);

        _clock.NowUs += 1_500_000;
        _flows.ForgetIdle(_clock.NowMs);
        Assert.Equal(2, _flows.Count);

        _clock.NowUs += 1_500_000;
        _flows.ForgetIdle(_clock.NowMs);
        Assert.Equal(1, _flows.Count);
        Assert.Same(used, _flows.Rent("user anna"));
        Assert.NotSame(idle, _flows.Rent("user bert"));
    }
}

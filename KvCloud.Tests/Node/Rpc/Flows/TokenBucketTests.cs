using KvCloud.Node.Rpc.Flows;

namespace KvCloud.Tests.Node.Rpc.Flows;

public sealed class TokenBucketTests
{
    [Fact]
    public void Of_zero_is_no_limit() => Assert.Null(TokenBucket.Of(0, 1, 0));

    [Fact]
    public void IsSpent_holds_a_twentieth_of_a_second_and_no_more()
    {
        TokenBucket bucket = TokenBucket.Of(200, 5, 0)!;

        Assert.Equal(10, TakeAll(bucket, 0));
        Assert.Equal(2, TakeAll(bucket, 10));
        Assert.Equal(10, TakeAll(bucket, 60_000));
    }

    [Fact]
    public void WaitMs_is_until_there_is_a_turns_worth()
    {
        TokenBucket bucket = TokenBucket.Of(200, 5, 0)!;
        TakeAll(bucket, 0);

        Assert.Equal(25, bucket.WaitMs(0));
        Assert.Equal(5, bucket.WaitMs(20));
        Assert.Equal(0, bucket.WaitMs(25));
        Assert.Equal(5, TakeAll(bucket, 25));
    }

    [Theory]
    [InlineData(1, 64)]
    [InlineData(10, 64)]
    public void WaitMs_slow_rate_with_long_turns_waits_for_one_token(long perSecond, long turn)
    {
        TokenBucket bucket = TokenBucket.Of(perSecond, turn, 0)!;

        Assert.Equal(1, TakeAll(bucket, 0));
        Assert.Equal(1_000 / perSecond, bucket.WaitMs(0));
    }

    [Fact]
    public void Take_more_than_there_is_passes_once_and_is_paid_for_later()
    {
        TokenBucket bucket = TokenBucket.Of(10, 1, 0)!;

        bucket.Take(50, 0);

        Assert.True(bucket.IsSpent(4_900));
        Assert.Equal(100, bucket.WaitMs(4_900));
        Assert.False(bucket.IsSpent(5_000));
    }

    [Fact]
    public void WaitMs_first_in_the_line_waits_for_a_turns_worth_and_each_behind_it_a_little_longer()
    {
        TokenBucket bucket = TokenBucket.Of(200, 5, 0)!;
        TakeAll(bucket, 0);

        Assert.Equal(25, bucket.WaitMs(0, 1));
        Assert.Equal(27, bucket.WaitMs(0, 2));
        Assert.Equal(50, bucket.WaitMs(0, 17));
        Assert.Equal(2, bucket.WaitMs(25, 2));
    }

    [Fact]
    public void SetRate_what_was_taken_is_paid_for_at_the_new_rate()
    {
        TokenBucket bucket = TokenBucket.Of(200, 5, 0)!;
        bucket.Take(110, 0);

        bucket.SetRate(50, 100);

        Assert.Equal(50, bucket.PerSecond);
        Assert.True(bucket.IsSpent(1_700));
        Assert.False(bucket.IsSpent(1_801));
        bucket.SetRate(20, 60_000);
        Assert.Equal(1, TakeAll(bucket, 60_000));
    }

    private static int TakeAll(TokenBucket bucket, long nowMs)
    {
        int taken = 0;
        while (!bucket.IsSpent(nowMs))
        {
            bucket.Take(1, nowMs);
            taken++;
        }

        return taken;
    }
}

using KvCloud.Node.Rpc.Flows;

namespace KvCloud.Tests.Node.Rpc.Flows;

public sealed class TokenBucketTests
{
    [Fact]
    public void Of_zero_is_no_limit() => Assert.Null(TokenBucket.Of(0, 0));

    [Fact]
    public void TryTake_holds_what_a_second_brings_and_no_more()
    {
        TokenBucket bucket = TokenBucket.Of(10, 0)!;

        Assert.Equal(10, TakeAll(bucket, 0));
        Assert.Equal(0, TakeAll(bucket, 50));
        Assert.Equal(1, TakeAll(bucket, 100));
        Assert.Equal(10, TakeAll(bucket, 60_000));
    }

    [Fact]
    public void TryTake_more_than_a_second_brings_passes_once_and_is_paid_for_later()
    {
        TokenBucket bucket = TokenBucket.Of(10, 0)!;

        Assert.True(bucket.TryTake(50, 0));
        Assert.False(bucket.TryTake(1, 4_000));
        Assert.True(bucket.TryTake(1, 4_100));
    }

    private static int TakeAll(TokenBucket bucket, long nowMs)
    {
        int taken = 0;
        while (bucket.TryTake(1, nowMs))
        {
            taken++;
        }

        return taken;
    }
}

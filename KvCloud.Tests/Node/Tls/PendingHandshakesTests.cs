using KvCloud.Node.Tls;

namespace KvCloud.Tests.Node.Tls;

public sealed class PendingHandshakesTests
{
    [Fact]
    public async Task Enter_beyond_the_limit_gives_up_the_oldest()
    {
        var pending = new PendingHandshakes(2);
        using var oldest = new CancellationTokenSource();
        using var older = new CancellationTokenSource();
        using var newest = new CancellationTokenSource();
        var given = new TaskCompletionSource();
        oldest.Token.Register(given.SetResult);

        Assert.False(pending.Enter(oldest));
        Assert.False(pending.Enter(older));
        Assert.True(pending.Enter(newest));

        await given.Task.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.False(older.IsCancellationRequested);
        Assert.Equal(2, pending.Count);
        pending.Leave(oldest);
        pending.Leave(older);
        Assert.Equal(1, pending.Count);
    }
}

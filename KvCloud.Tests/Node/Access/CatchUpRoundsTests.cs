using KvCloud.Node.Access;
using KvCloud.Node.Operations;
using KvCloud.Tests.Node.Rpc;
using Microsoft.Extensions.Time.Testing;

namespace KvCloud.Tests.Node.Access;

/// <summary>How many read indexes the logins of strangers cost, and which of them each waits for.</summary>
public sealed class CatchUpRoundsTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);
    private readonly FakeTimeProvider _time = new();
    private readonly List<TaskCompletionSource<CaughtUp>> _begun = [];

    [Fact]
    public async Task WaitAsync_all_that_come_while_a_round_is_in_progress_share_the_next()
    {
        var rounds = new CatchUpRounds(Begin, _time);
        Task<CaughtUp> first = rounds.WaitAsync(Limit);
        Task<CaughtUp>[] later = [.. Enumerable.Range(0, 100).Select(_ => rounds.WaitAsync(Limit))];
        Assert.Equal(1, Begun);

        _begun[0].SetResult(new CaughtUp(KvStatus.Ok));
        Assert.Equal(KvStatus.Ok, (await first).Code);

        // What they ask for may have been written after the first round was confirmed.
        Assert.All(later, wait => Assert.False(wait.IsCompleted));
        await BeginNextAsync(2);
        _begun[1].SetResult(new CaughtUp(KvStatus.Ok));
        Assert.All(await Task.WhenAll(later), known => Assert.Equal(KvStatus.Ok, known.Code));
        Assert.Equal(2, Begun);
    }

    [Fact]
    public async Task WaitAsync_round_that_fails_says_why_and_the_next_one_begins()
    {
        var rounds = new CatchUpRounds(Begin, _time);
        Task<CaughtUp> first = rounds.WaitAsync(Limit);
        _begun[0].SetResult(new CaughtUp(KvStatus.NoLeader, "no leader"));
        Assert.Equal(new CaughtUp(KvStatus.NoLeader, "no leader"), await first);

        Task<CaughtUp> second = rounds.WaitAsync(Limit);
        await BeginNextAsync(2);
        _begun[1].SetException(new InvalidOperationException("broken"));
        Assert.Equal(new CaughtUp(KvStatus.Internal, "broken"), await second);
    }

    [Fact]
    public async Task WaitAsync_waits_no_longer_than_its_limit()
    {
        var rounds = new CatchUpRounds(Begin, _time);
        Task<CaughtUp> wait = rounds.WaitAsync(TimeSpan.FromSeconds(1));
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(KvStatus.Timeout, (await wait).Code);
    }

    private int Begun
    {
        get
        {
            lock (_begun)
            {
                return _begun.Count;
            }
        }
    }

    private ValueTask<CaughtUp> Begin()
    {
        var round = new TaskCompletionSource<CaughtUp>();
        lock (_begun)
        {
            _begun.Add(round);
        }

        return new ValueTask<CaughtUp>(round.Task);
    }

    /// <summary>The pause is over, once it has begun.</summary>
    private Task BeginNextAsync(int rounds) => ConnectionTests.Eventually(() =>
    {
        _time.Advance(CatchUpRounds.Pause);
        return Begun == rounds;
    });
}

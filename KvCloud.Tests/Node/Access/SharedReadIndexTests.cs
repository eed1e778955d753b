using KvCloud.Node.Access;
using KvCloud.Node.Operations;
using KvCloud.Tests.Node.Rpc;
using Microsoft.Extensions.Time.Testing;

namespace KvCloud.Tests.Node.Access;

/// <summary>How many read indexes the logins of strangers cost, and which of them each waits for.</summary>
public sealed class SharedReadIndexTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);
    private readonly FakeTimeProvider _time = new();
    private readonly List<TaskCompletionSource<ReadIndexOutcome>> _begun = [];

    [Fact]
    public async Task WaitAsync_all_that_come_while_a_round_is_in_progress_share_the_next()
    {
        var rounds = new SharedReadIndex(Begin, _time);
        Task<ReadIndexOutcome> first = rounds.WaitAsync(Limit);
        Task<ReadIndexOutcome>[] later = [.. Enumerable.Range(0, 100).Select(_ => rounds.WaitAsync(Limit))];
        Assert.Equal(1, Begun);

        _begun[0].SetResult(new ReadIndexOutcome(KvStatus.Ok));
        Assert.Equal(KvStatus.Ok, (await first).Code);

        // What they ask for may have been written after the first round was confirmed.
        Assert.All(later, wait => Assert.False(wait.IsCompleted));
        await BeginNextAsync(2);
        _begun[1].SetResult(new ReadIndexOutcome(KvStatus.Ok));
        Assert.All(await Task.WhenAll(later), known => Assert.Equal(KvStatus.Ok, known.Code));
        Assert.Equal(2, Begun);
    }

    [Fact]
    public async Task WaitAsync_round_that_fails_says_why_and_the_next_one_begins()
    {
        var rounds = new SharedReadIndex(Begin, _time);
        Task<ReadIndexOutcome> first = rounds.WaitAsync(Limit);
        _begun[0].SetResult(new ReadIndexOutcome(KvStatus.NoLeader, "no leader"));
        Assert.Equal(new ReadIndexOutcome(KvStatus.NoLeader, "no leader"), await first);

        Task<ReadIndexOutcome> second = rounds.WaitAsync(Limit);
        await BeginNextAsync(2);
        _begun[1].SetException(new InvalidOperationException("broken"));
        Assert.Equal(new ReadIndexOutcome(KvStatus.Internal, "broken"), await second);
    }

    [Fact]
    public async Task WaitAsync_waits_no_longer_than_its_limit()
    {
        var rounds = new SharedReadIndex(Begin, _time);
        Task<ReadIndexOutcome> wait = rounds.WaitAsync(TimeSpan.FromSeconds(1));
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

    private ValueTask<ReadIndexOutcome> Begin()
    {
        var round = new TaskCompletionSource<ReadIndexOutcome>();
        lock (_begun)
        {
            _begun.Add(round);
        }

        return new ValueTask<ReadIndexOutcome>(round.Task);
    }

    /// <summary>The pause is over, once it has begun.</summary>
    private Task BeginNextAsync(int rounds) => ConnectionTests.Eventually(() =>
    {
        _time.Advance(SharedReadIndex.Pause);
        return Begun == rounds;
    });
}

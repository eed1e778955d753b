using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Diagnostics;
using KvCloud.Client;
using KvCloud.Protocol;

namespace KvCloud.Tests.Live;

/// <summary>
/// Eight writers, each the only one of its register, count up; each count is also kept under a key of its own. Readers
/// ask replicas at random at a linearizable level. What must hold: every acknowledged count is kept for ever, and no
/// read is older than what was acknowledged before it began, nor newer than what was begun.
/// </summary>
internal sealed class RegisterLoad : IAsyncDisposable
{
    private readonly KvCloudClient _client;
    private readonly string _prefix;
    private readonly IReadOnlyList<string> _endpoints;
    private readonly long[] _begun;
    private readonly long[] _acknowledged;
    private readonly ConcurrentDictionary<string, long> _kept = new();
    private readonly ConcurrentQueue<string> _violations = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _running = [];
    private long _reads;
    private long _lastAckTimestamp = Stopwatch.GetTimestamp();

    /// <param name="prefix">Keeps its keys apart from those of another load.</param>
    public RegisterLoad(LiveCluster cluster, int writers = 8, int readers = 4, string prefix = "")
    {
        _prefix = prefix;
        _endpoints = cluster.Endpoints;
        _client = cluster.NewClient(settings => settings.Timeout = TimeSpan.FromSeconds(30));
        _begun = new long[writers];
        _acknowledged = new long[writers];
        for (int i = 0; i < writers; i++)
        {
            int writer = i;
            _running.Add(Task.Run(() => WriteAsync(writer)));
        }

        for (int i = 0; i < readers; i++)
        {
            int seed = i;
            _running.Add(Task.Run(() => ReadAsync(new Random(seed))));
        }
    }

    public IReadOnlyDictionary<string, long> Kept => _kept;

    public IReadOnlyCollection<string> Violations => _violations;

    public long Reads => Interlocked.Read(ref _reads);

    public long Acknowledged => _kept.Count;

    /// <summary>Waits for a write that is acknowledged after this call; gives how long that took.</summary>
    public async Task<TimeSpan> NextAcknowledgedAsync(TimeSpan timeout)
    {
        long start = Stopwatch.GetTimestamp();
        while (Interlocked.Read(ref _lastAckTimestamp) <= start)
        {
            if (Stopwatch.GetElapsedTime(start) > timeout)
            {
                throw new TimeoutException($"no write was acknowledged within {timeout.TotalSeconds} s");
            }

            await Task.Delay(2);
        }

        return Stopwatch.GetElapsedTime(start, Interlocked.Read(ref _lastAckTimestamp));
    }

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_running);
    }

    /// <summary>
    /// Once stopped: every acknowledged write is there, on each of these replicas, read from its own store.
    /// </summary>
    public async Task AssertKeptAsync(LiveCluster cluster, params int[] members)
    {
        Assert.Empty(Violations);
        await using KvCloudClient client = cluster.NewClient();
        foreach (int index in members)
        {
            await cluster.CatchUpAsync(client, index);
            var held = new Dictionary<string, long>();
            var options = new KvReadOptions
            {
                Consistency = ReadConsistency.LOCAL,
                Endpoint = cluster.Endpoints[index],
            };
            await foreach (KvEntry entry in client.RangeAsync(KvRange.Prefix($"{_prefix}kept/"), options))
            {
                held[System.Text.Encoding.UTF8.GetString(entry.Key)] = BinaryPrimitives.ReadInt64BigEndian(entry.Value);
            }

            string[] lost =
                [.. Kept.Where(kept => held.GetValueOrDefault(kept.Key) != kept.Value).Select(kept => kept.Key)];
            Assert.True(lost.Length == 0, $"node-{index} lost {lost.Length}, first {lost.FirstOrDefault()}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
        await _client.DisposeAsync();
    }

    private async Task WriteAsync(int writer)
    {
        byte[] register = Register(writer);
        while (!_stop.IsCancellationRequested)
        {
            long count = ++_begun[writer];
            byte[] value = new byte[8];
            BinaryPrimitives.WriteInt64BigEndian(value, count);
            string kept = $"{_prefix}kept/{writer}/{count}";
            try
            {
                await _client.SetAsync(register, value);
                Volatile.Write(ref _acknowledged[writer], count);
                await _client.SetAsync(System.Text.Encoding.UTF8.GetBytes(kept), value);
                _kept[kept] = count;
                Interlocked.Exchange(ref _lastAckTimestamp, Stopwatch.GetTimestamp());
            }
            catch (KvCloudException exception)
            {
                _violations.Enqueue($"write {kept} failed for good: {exception.ErrorCode} {exception.Message}");
                return;
            }
        }
    }

    private async Task ReadAsync(Random random)
    {
        while (!_stop.IsCancellationRequested)
        {
            int writer = random.Next(_begun.Length);
            long atLeast = Volatile.Read(ref _acknowledged[writer]);
            bool fromLeader = random.Next(4) == 0;
            var options = new KvReadOptions
            {
                Consistency = fromLeader ? ReadConsistency.LEADER : ReadConsistency.READ_INDEX,
                Endpoint = fromLeader ? null : _endpoints[random.Next(_endpoints.Count)],
                Timeout = TimeSpan.FromSeconds(2),
            };
            try
            {
                byte[]? value = await _client.GetAsync(Register(writer), options);
                long read = value is null ? 0 : BinaryPrimitives.ReadInt64BigEndian(value);
                long atMost = Volatile.Read(ref _begun[writer]);
                if (read < atLeast || read > atMost)
                {
                    _violations.Enqueue(
                        $"register {writer} read {read} at {options.Consistency} "
                        + $"from {options.Endpoint ?? "the leader"}, "
                        + $"but {atLeast} was acknowledged before and {atMost} begun after");
                }

                Interlocked.Increment(ref _reads);
            }
            catch (KvCloudException)
            {
                // A replica that is down, paused or without a leader may refuse; it may not lie.
                await Task.Delay(10);
            }
        }
    }

    private byte[] Register(int writer) => System.Text.Encoding.UTF8.GetBytes($"{_prefix}register/{writer}");
}

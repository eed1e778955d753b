using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Diagnostics;
using KvCloud.Client;
using KvCloud.Protocol;

namespace KvCloud.Tests.Live;

/// <summary>
/// One writer counts up; a reader for each replica reads the count at the local level. What must hold: on one replica
/// the count never goes back, restarts included; and no read lacks what was acknowledged longer ago than the staleness
/// that the reader bears.
/// </summary>
internal sealed class LocalReads : IAsyncDisposable
{
    private static readonly byte[] Counter = "local/counter"u8.ToArray();
    private static readonly TimeSpan Staleness = TimeSpan.FromMilliseconds(300);

    /// <summary>The replica's clock is coarse.</summary>
    private static readonly TimeSpan ClockSlack = TimeSpan.FromMilliseconds(20);

    private readonly KvCloudClient _client;
    private readonly IReadOnlyList<string> _endpoints;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<string> _violations = new();
    private readonly List<long> _acknowledgedTimestamps = [];
    private readonly long[] _answered;
    private readonly long[] _tooStale;
    private readonly Task[] _running;

    public LocalReads(LiveCluster cluster)
    {
        _endpoints = cluster.Endpoints;
        _client = cluster.NewClient(settings => settings.Timeout = TimeSpan.FromSeconds(20));
        _answered = new long[cluster.Count];
        _tooStale = new long[cluster.Count];
        _running =
            [Task.Run(WriteAsync), .. Enumerable.Range(0, cluster.Count).Select(i => Task.Run(() => ReadAsync(i)))];
    }

    public IReadOnlyCollection<string> Violations => _violations;

    /// <summary>Reads answered, by replica.</summary>
    public IReadOnlyList<long> Answered => _answered;

    /// <summary>Reads refused because the replica was out of touch.</summary>
    public IReadOnlyList<long> TooStale => _tooStale;

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_running);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
        await _client.DisposeAsync();
    }

    private async Task WriteAsync()
    {
        for (long count = 1; !_stop.IsCancellationRequested; count++)
        {
            byte[] value = new byte[8];
            BinaryPrimitives.WriteInt64BigEndian(value, count);
            try
            {
                await _client.SetAsync(Counter, value);
                lock (_acknowledgedTimestamps)
                {
                    _acknowledgedTimestamps.Add(Stopwatch.GetTimestamp());
                }
            }
            catch (KvCloudException exception)
            {
                _violations.Enqueue($"count {count} failed for good: {exception.Message}");
                return;
            }

            await Task.Delay(2);
        }
    }

    private async Task ReadAsync(int replica)
    {
        var options = new KvReadOptions
        {
            Consistency = ReadConsistency.LOCAL,
            MaxStaleness = Staleness,
            Endpoint = _endpoints[replica],
            Timeout = TimeSpan.FromMilliseconds(700),
        };
        int atLeast = 0;
        long last = 0;
        while (!_stop.IsCancellationRequested)
        {
            long start = Stopwatch.GetTimestamp();
            long horizon = start - Ticks(Staleness + ClockSlack);
            try
            {
                byte[]? value = await _client.GetAsync(Counter, options);
                long read = value is null ? 0 : BinaryPrimitives.ReadInt64BigEndian(value);
                atLeast = AcknowledgedBy(horizon, atLeast);
                Judge(replica, read, last, atLeast, Stopwatch.GetElapsedTime(start));
                last = Math.Max(last, read);
                await Task.Delay(1);
            }
            catch (KvCloudException exception)
            {
                _tooStale[replica] += exception.ErrorCode == ErrorCode.TOO_STALE ? 1 : 0;
                await Task.Delay(2);
            }
        }
    }

    private void Judge(int replica, long read, long last, long atLeast, TimeSpan took)
    {
        if (read < last)
        {
            _violations.Enqueue($"node-{replica} showed {last} and then {read}");
        }

        if (read < atLeast)
        {
            _violations.Enqueue(
                $"node-{replica} showed {read} in {took.TotalMilliseconds:F0} ms, but {atLeast} was acknowledged"
                + $" more than {Staleness.TotalMilliseconds} ms before the read began");
        }

        _answered[replica]++;
    }

    /// <summary>How far the count had come: the n-th acknowledgement is that of n.</summary>
    private int AcknowledgedBy(long timestamp, int from)
    {
        lock (_acknowledgedTimestamps)
        {
            while (from < _acknowledgedTimestamps.Count && _acknowledgedTimestamps[from] <= timestamp)
            {
                from++;
            }

            return from;
        }
    }

    private static long Ticks(TimeSpan time) => (long)(time.TotalSeconds * Stopwatch.Frequency);
}

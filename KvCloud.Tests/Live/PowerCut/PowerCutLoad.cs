using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using KvCloud.Client;
using KvCloud.Protocol;

namespace KvCloud.Tests.Live.PowerCut;

/// <summary>
/// Writers that each write keys once, and count up registers of their own, over every cut; and the check that a replica
/// has all that was acknowledged.
/// </summary>
internal sealed class PowerCutLoad : IAsyncDisposable
{
    private const int RegistersEach = 3;

    /// <summary>Registers are what makes the log grow; they leave little behind.</summary>
    private const int LargestRegisterBytes = 6 * 1024;
    private const int LargestOnceBytes = 200;

    private readonly PowerCutCluster _cluster;
    private readonly KvCloudClient _client;
    private readonly ConcurrentDictionary<string, long> _once = new();
    private readonly long[] _begun;
    private readonly long[] _acknowledged;
    private readonly ConcurrentQueue<string> _failures = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Task[] _writers;
    private long _lastAckTimestamp;
    private long _writes;
    private int _round;

    public PowerCutLoad(PowerCutCluster cluster, int seed, int writers = 24)
    {
        _cluster = cluster;
        _client = cluster.NewClient(TimeSpan.FromSeconds(90));
        _begun = new long[writers * RegistersEach];
        _acknowledged = new long[writers * RegistersEach];
        _writers =
        [
            .. Enumerable.Range(0, writers)
                .Select(writer => Task.Run(() => WriteAsync(writer, new Random(unchecked((seed * 31) + writer))))),
        ];
    }

    public long Acknowledged => Interlocked.Read(ref _writes);

    /// <summary>Writes whose outcome was given up; they may be there or not.</summary>
    public IReadOnlyCollection<string> Failures => _failures;

    /// <summary>Waits for a write that is acknowledged after this call.</summary>
    public async Task NextAcknowledgedAsync(TimeSpan timeout)
    {
        long start = Stopwatch.GetTimestamp();
        while (Interlocked.Read(ref _lastAckTimestamp) <= start)
        {
            if (Stopwatch.GetElapsedTime(start) > timeout)
            {
                throw new TimeoutException($"no write was acknowledged within {timeout.TotalSeconds:0} s");
            }

            await Task.Delay(5);
        }
    }

    /// <summary>Keys of a later round come after those of an earlier one.</summary>
    public void BeginRound() => Interlocked.Increment(ref _round);

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_writers);
    }

    /// <summary>What a replica does not have of what was acknowledged before this call, at read_index.</summary>
    /// <param name="index">Of the replica.</param>
    /// <param name="rounds">So many of the last rounds; all of them if null.</param>
    public async Task<IReadOnlyList<string>> FindLostAsync(int index, int? rounds = null)
    {
        string begin = RoundPrefix(rounds is { } wanted ? Math.Max(0, Volatile.Read(ref _round) - wanted) : 0);
        KeyValuePair<string, long>[] once =
            [.. _once.Where(write => string.CompareOrdinal(write.Key, begin) >= 0)];
        long[] atLeast = [.. Enumerable.Range(0, _begun.Length).Select(i => Volatile.Read(ref _acknowledged[i]))];
        Dictionary<string, byte[]> held = await ReadAsync(index, KvRange.Between(begin, "once0"));
        Dictionary<string, byte[]> registers = await ReadAsync(index, KvRange.Prefix("count/"));
        var lost = new List<string>();
        foreach ((string key, long number) in once)
        {
            if (!held.TryGetValue(key, out byte[]? value) || !IsValue(value, number))
            {
                lost.Add(value is null ? $"{key} is not there" : $"{key} has another value");
            }
        }

        for (int i = 0; i < atLeast.Length; i++)
        {
            byte[]? value = registers.GetValueOrDefault(RegisterKey(i));
            long count = value is null ? 0 : BinaryPrimitives.ReadInt64BigEndian(value);
            bool isWhole = value is null || IsValue(value, count);
            if (!isWhole || count < atLeast[i] || count > Volatile.Read(ref _begun[i]))
            {
                lost.Add($"{RegisterKey(i)} is {count}, acknowledged was {atLeast[i]}, begun {_begun[i]}");
            }
        }

        return lost;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _client.DisposeAsync();
        await Task.WhenAll(_writers);
        _stop.Dispose();
    }

    private async Task<Dictionary<string, byte[]>> ReadAsync(int index, KvRange range)
    {
        var read = new Dictionary<string, byte[]>();
        var options = new KvReadOptions
        {
            Consistency = ReadConsistency.READ_INDEX,
            Endpoint = _cluster.Endpoints[index],
            Timeout = TimeSpan.FromSeconds(30),
        };
        await foreach (KvEntry entry in _client.RangeAsync(range, options))
        {
            read[Encoding.UTF8.GetString(entry.Key)] = entry.Value;
        }

        return read;
    }

    private async Task WriteAsync(int writer, Random random)
    {
        for (long number = 1; !_stop.IsCancellationRequested; number++)
        {
            try
            {
                if (random.Next(2) == 0)
                {
                    string key = $"{RoundPrefix(Volatile.Read(ref _round))}{writer:D2}/{number}";
                    await SetAsync(key, Value(number, random.Next(LargestOnceBytes)));
                    _once[key] = number;
                }
                else
                {
                    int register = (writer * RegistersEach) + random.Next(RegistersEach);
                    long count = Volatile.Read(ref _begun[register]) + 1;
                    Volatile.Write(ref _begun[register], count);
                    await SetAsync(RegisterKey(register), Value(count, random.Next(LargestRegisterBytes)));
                    Volatile.Write(ref _acknowledged[register], count);
                }

                Interlocked.Increment(ref _writes);
                Interlocked.Exchange(ref _lastAckTimestamp, Stopwatch.GetTimestamp());
            }
            catch (Exception exception)
                when (exception is KvCloudException or ObjectDisposedException or OperationCanceledException)
            {
                if (_stop.IsCancellationRequested)
                {
                    return;
                }

                _failures.Enqueue(exception.Message);
                await Task.Delay(100);
            }
        }
    }

    private async Task SetAsync(string key, byte[] value) => await _client.SetAsync(Encoding.UTF8.GetBytes(key), value);

    private static string RoundPrefix(int round) => $"once/{round:D6}/";

    private static string RegisterKey(int register) => $"count/{register:D4}";

    /// <summary>The number, and bytes that follow from it.</summary>
    private static byte[] Value(long number, int fillBytes)
    {
        byte[] value = new byte[sizeof(long) + fillBytes];
        BinaryPrimitives.WriteInt64BigEndian(value, number);
        value.AsSpan(sizeof(long)).Fill((byte)number);
        return value;
    }

    private static bool IsValue(byte[] value, long number) =>
        value.Length >= sizeof(long)
        && BinaryPrimitives.ReadInt64BigEndian(value) == number
        && !value.AsSpan(sizeof(long)).ContainsAnyExcept((byte)number);
}

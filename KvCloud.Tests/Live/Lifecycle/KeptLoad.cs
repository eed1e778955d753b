using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using KvCloud.Client;
using KvCloud.Protocol;

namespace KvCloud.Tests.Live.Lifecycle;

/// <summary>How a <see cref="KeptLoad"/> writes and reads.</summary>
internal sealed record KeptLoadOptions
{
    public int Writers { get; init; } = 24;

    public int Readers { get; init; } = 8;

    /// <summary>How many keys each writer writes in turn; null: each write has a key of its own.</summary>
    public int? KeysOfOneWriter { get; init; }

    public int ValueBytes { get; init; } = 256;

    /// <summary>From the beginning of one call of a caller to that of its next one, at least.</summary>
    public TimeSpan Pace { get; init; } = TimeSpan.FromMilliseconds(20);

    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>
/// Writers that record what was acknowledged: key, value and commit version. Readers ask for random keys at read_index;
/// none may get less than was acknowledged before it asked. At the end every acknowledged write is read back from each
/// replica.
/// </summary>
internal sealed class KeptLoad : IAsyncDisposable
{
    public const string Prefix = "kept/";

    private const int MaxExamples = 5;

    private readonly KeptLoadOptions _options;
    private readonly KvCloudClient _client;
    private readonly List<KeptKey>[] _keys;
    private readonly byte[] _noise;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<string> _violations = new();
    private readonly List<Task> _running = [];

    public KeptLoad(IEnumerable<string> endpoints, KeptLoadOptions options, int seed)
    {
        _options = options;
        _client = new KvCloudClient(new KvCloudClientSettings
        {
            ConnectionString = $"Endpoints={string.Join(',', endpoints)}",
            Timeout = options.Timeout,
        });
        _noise = new byte[2 * options.ValueBytes];
        new Random(seed).NextBytes(_noise);
        _keys = [.. Enumerable.Range(0, options.Writers).Select(_ => new List<KeptKey>())];
        for (int i = 0; i < options.Writers; i++)
        {
            int writer = i;
            _running.Add(Task.Run(() => WriteAsync(writer)));
        }

        for (int i = 0; i < options.Readers; i++)
        {
            var random = new Random(seed + i);
            _running.Add(Task.Run(() => ReadAsync(random)));
        }
    }

    public CallMeter Writes { get; } = new();

    public CallMeter Reads { get; } = new();

    /// <summary>Reads that went back in time.</summary>
    public IReadOnlyCollection<string> Violations => _violations;

    /// <summary>Waits for a write that is acknowledged after this call.</summary>
    public async Task NextAcknowledgedAsync(TimeSpan timeout)
    {
        long start = Stopwatch.GetTimestamp();
        while (Writes.LastSuccess <= start)
        {
            if (Stopwatch.GetElapsedTime(start) > timeout)
            {
                throw new TimeoutException($"no write was acknowledged within {timeout.TotalSeconds} s");
            }

            await Task.Delay(5);
        }
    }

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_running);
    }

    /// <summary>
    /// Reads everything back from one replica, at read_index; gives how many acknowledged writes it does not have, and
    /// the first of them. Call it when the load has stopped.
    /// </summary>
    public async Task<(int Lost, IReadOnlyList<string> Examples)> FindLostAsync(string endpoint)
    {
        var held = new Dictionary<string, (long Count, long Version)>();
        var options = new KvReadOptions
        {
            Consistency = ReadConsistency.READ_INDEX,
            Endpoint = endpoint,
            Timeout = TimeSpan.FromSeconds(60),
        };
        await foreach (KvEntry entry in _client.RangeAsync(KvRange.Prefix(Prefix), options))
        {
            held.Add(Encoding.UTF8.GetString(entry.Key), (CountOf(entry.Value), entry.Version));
        }

        string[] faults =
        [
            .. All().Select(key => held.TryGetValue(key.Name, out (long Count, long Version) found)
                    ? key.FindFault(found.Count, found.Version)
                    : key.FindFault(null, 0))
                .OfType<string>(),
        ];
        return (faults.Length, [.. faults.Take(MaxExamples)]);
    }

    /// <summary>
    /// What a replica that was restored as of a version holds too little or too much: every write acknowledged with
    /// that version or an earlier one, and none with a later one. Only where each write has a key of its own.
    /// </summary>
    public async Task<(int Wrong, int Expected, IReadOnlyList<string> Examples)> FindWrongAsync(
        KvCloudClient restored, string endpoint, long version)
    {
        var held = new Dictionary<string, long>();
        var options = new KvReadOptions { Consistency = ReadConsistency.READ_INDEX, Endpoint = endpoint };
        await foreach (KvEntry entry in restored.RangeAsync(KvRange.Prefix(Prefix), options))
        {
            held.Add(Encoding.UTF8.GetString(entry.Key), CountOf(entry.Value));
        }

        int expected = 0;
        var wrong = new List<string>();
        foreach (KeptKey key in All())
        {
            (long count, long at) = key.Acknowledged;
            bool isHeld = held.TryGetValue(key.Name, out long found);
            expected += count > 0 && at <= version ? 1 : 0;
            if (count > 0 && (isHeld != at <= version || (isHeld && found != count)))
            {
                wrong.Add($"{key.Name} of version {at}: {(isHeld ? found : "nothing")}");
            }
        }

        return (wrong.Count, expected, [.. wrong.Take(MaxExamples)]);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
        await _client.DisposeAsync();
    }

    private IEnumerable<KeptKey> All()
    {
        foreach (List<KeptKey> keys in _keys)
        {
            KeptKey[] now;
            lock (keys)
            {
                now = [.. keys];
            }

            foreach (KeptKey key in now)
            {
                yield return key;
            }
        }
    }

    private static long CountOf(byte[] value) => BinaryPrimitives.ReadInt64BigEndian(value);

    private async Task WriteAsync(int writer)
    {
        List<KeptKey> keys = _keys[writer];
        var current = new Dictionary<int, KeptKey>();
        for (long count = 1; !_stop.IsCancellationRequested; count++)
        {
            long started = Stopwatch.GetTimestamp();
            int index = _options.KeysOfOneWriter is int most ? (int)(count % most) : (int)count;
            if (!current.TryGetValue(index, out KeptKey? key) || key.IsRetired)
            {
                key = new KeptKey(string.Create(
                    CultureInfo.InvariantCulture, $"{Prefix}{writer:D3}/{index:D7}/{count:D9}"));
                lock (keys)
                {
                    keys.Add(key);
                }

                if (_options.KeysOfOneWriter is not null)
                {
                    current[index] = key;
                }
            }

            await WriteAsync(key, count);
            await PaceAsync(started);
        }
    }

    private async Task WriteAsync(KeptKey key, long count)
    {
        long started = Stopwatch.GetTimestamp();
        try
        {
            long version = await _client.SetAsync(Encoding.UTF8.GetBytes(key.Name), ValueOf(count));
            key.NoteAcknowledged(count, version);
            Writes.Succeeded(started);
        }
        catch (KvCloudException exception)
        {
            if (!exception.OutcomeKnown)
            {
                key.NoteUnknown(count);
            }

            Writes.Failed(exception);
        }
    }

    /// <summary>A count, and bytes that no compression makes fewer.</summary>
    private byte[] ValueOf(long count)
    {
        byte[] value = new byte[Math.Max(sizeof(long), _options.ValueBytes)];
        _noise.AsSpan((int)(count % _options.ValueBytes), _options.ValueBytes).CopyTo(value);
        BinaryPrimitives.WriteInt64BigEndian(value, count);
        return value;
    }

    private async Task ReadAsync(Random random)
    {
        while (!_stop.IsCancellationRequested)
        {
            long started = Stopwatch.GetTimestamp();
            if (RandomKey(random) is KeptKey key)
            {
                await ReadAsync(key, started);
            }

            await PaceAsync(started);
        }
    }

    private async Task ReadAsync(KeptKey key, long started)
    {
        (long before, _) = key.Acknowledged;
        try
        {
            byte[]? value = await _client.GetAsync(
                Encoding.UTF8.GetBytes(key.Name), new KvReadOptions { Consistency = ReadConsistency.READ_INDEX });
            Reads.Succeeded(started);
            long read = value is null ? 0 : CountOf(value);
            if (read < before)
            {
                _violations.Enqueue($"{key.Name} read {read}, but {before} was acknowledged before");
            }
        }
        catch (KvCloudException exception)
        {
            Reads.Failed(exception);
        }
    }

    private KeptKey? RandomKey(Random random)
    {
        List<KeptKey> keys = _keys[random.Next(_keys.Length)];
        lock (keys)
        {
            return keys.Count == 0 ? null : keys[random.Next(keys.Count)];
        }
    }

    private async Task PaceAsync(long started)
    {
        TimeSpan rest = _options.Pace - Stopwatch.GetElapsedTime(started);
        if (rest > TimeSpan.Zero)
        {
            await Task.Delay(rest, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}

using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using KvCloud.Client;
using KvCloud.Protocol;

namespace KvCloud.Tests.Live.Linearizability;

/// <summary>
/// Callers that read, write, delete and commit on a few keys and record what they did and heard. Reads go to replicas
/// at random at the read-index level, and to the leader; no two writes ever write the same value.
/// </summary>
internal sealed class HistoryLoad : IAsyncDisposable
{
    private const int Keys = 6;

    private readonly ConcurrentQueue<RecordedOperation> _history = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly KvCloudClient[] _clients;
    private readonly IReadOnlyList<string> _endpoints;
    private readonly List<Task> _running = [];
    private long _lastValue;
    private long _acknowledged;

    public HistoryLoad(LiveCluster cluster, int callers = 8)
    {
        _endpoints = cluster.Endpoints;

        // The first asks again for answers that were lost; the second is told that the outcome is unknown.
        _clients = [NewClient(cluster, exactlyOnce: true), NewClient(cluster, exactlyOnce: false)];
        for (int i = 0; i < callers; i++)
        {
            int caller = i;
            _running.Add(Task.Run(() => RunAsync(caller, _clients[caller % _clients.Length], new Random(caller))));
        }
    }

    public IReadOnlyCollection<RecordedOperation> History => _history;

    /// <summary>Waits until some more writes are acknowledged.</summary>
    public async Task GoOnAsync(int writes = 50)
    {
        long goal = Interlocked.Read(ref _acknowledged) + writes;
        long start = Stopwatch.GetTimestamp();
        while (Interlocked.Read(ref _acknowledged) < goal)
        {
            Assert.True(Stopwatch.GetElapsedTime(start).TotalSeconds < 30, "writes are no longer acknowledged");
            await Task.Delay(5);
        }
    }

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_running);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
        foreach (KvCloudClient client in _clients)
        {
            await client.DisposeAsync();
        }
    }

    private static KvCloudClient NewClient(LiveCluster cluster, bool exactlyOnce) => cluster.NewClient(settings =>
    {
        settings.ExactlyOnce = exactlyOnce;
        settings.Timeout = TimeSpan.FromSeconds(2);
        settings.AttemptTimeout = TimeSpan.FromMilliseconds(700);
    });

    private async Task RunAsync(int caller, KvCloudClient client, Random random)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"caller {caller}");
        while (!_stop.IsCancellationRequested)
        {
            string key = string.Create(CultureInfo.InvariantCulture, $"lin/{random.Next(Keys)}");
            try
            {
                await (random.Next(100) switch
                {
                    < 35 => ReadAsync(
                        client, key, name, ReadConsistency.READ_INDEX, _endpoints[random.Next(_endpoints.Count)]),
                    < 50 => ReadAsync(client, key, name, ReadConsistency.LEADER, endpoint: null),
                    < 70 => WriteAsync(client, key, name, NextValue()),
                    < 78 => WriteAsync(client, key, name, RecordedOperation.Absent),
                    _ => CommitAsync(client, key, name, random),
                });
            }
            catch (KvCloudException)
            {
                // A read without an answer, or a write that certainly did nothing: it tells the checker nothing.
                await Task.Delay(5);
            }

            await Task.Delay(random.Next(3));
        }
    }

    private async Task ReadAsync(
        KvCloudClient client, string key, string caller, ReadConsistency level, string? endpoint)
    {
        long start = Stopwatch.GetTimestamp();
        byte[]? value = await client.GetAsync(
            Bytes(key),
            new KvReadOptions { Consistency = level, Endpoint = endpoint, Timeout = TimeSpan.FromSeconds(1) });
        _history.Enqueue(RecordedOperation.Read(
            key, Number(value), start, Stopwatch.GetTimestamp(), $"{caller} at {level} of {endpoint ?? "the leader"}"));
    }

    private Task WriteAsync(KvCloudClient client, string key, string caller, long value) => RecordAsync(
        () => value == RecordedOperation.Absent
            ? client.DeleteAsync(Bytes(key))
            : client.SetAsync(Bytes(key), Bytes(value)),
        (start, end) => [RecordedOperation.Write(key, value, start, end, caller)]);

    /// <summary>
    /// Reads a key at a version and writes it, and sometimes another unseen, if it is still the same.
    /// </summary>
    private async Task CommitAsync(KvCloudClient client, string key, string caller, Random random)
    {
        long start = Stopwatch.GetTimestamp();
        KvTransaction transaction = client.BeginTransaction();
        long found = Number(await transaction.GetAsync(Bytes(key)));
        _history.Enqueue(RecordedOperation.Read(
            key, found, start, Stopwatch.GetTimestamp(), $"{caller} at a read version"));
        long value = NextValue();
        transaction.Set(Bytes(key), Bytes(value));
        string unseen = string.Create(CultureInfo.InvariantCulture, $"lin/{random.Next(Keys)}");
        long unseenValue = NextValue();
        if (unseen != key)
        {
            transaction.Set(Bytes(unseen), Bytes(unseenValue));
        }

        await RecordAsync(
            () => transaction.CommitAsync(),
            (from, to) => unseen == key
                ? [RecordedOperation.CompareAndSet(key, found, value, from, to, caller)]
                :
                [
                    RecordedOperation.CompareAndSet(key, found, value, from, to, caller),
                    RecordedOperation.Write(unseen, unseenValue, from, to, caller),
                ]);
    }

    /// <summary>Records what a write did. One that certainly did nothing is thrown on, and not recorded.</summary>
    private async Task RecordAsync(Func<ValueTask<long>> write, Func<long, long, RecordedOperation[]> operations)
    {
        long start = Stopwatch.GetTimestamp();
        long end = RecordedOperation.Never;
        try
        {
            await write();
            end = Stopwatch.GetTimestamp();
            Interlocked.Increment(ref _acknowledged);
        }
        catch (KvCloudException exception) when (!exception.OutcomeKnown)
        {
            // It may yet take effect, at any time.
        }

        foreach (RecordedOperation operation in operations(start, end))
        {
            _history.Enqueue(operation);
        }
    }

    private long NextValue() => Interlocked.Increment(ref _lastValue);

    private static byte[] Bytes(string key) => Encoding.ASCII.GetBytes(key);

    private static byte[] Bytes(long value)
    {
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(bytes, value);
        return bytes;
    }

    private static long Number(byte[]? value) =>
        value is null ? RecordedOperation.Absent : BinaryPrimitives.ReadInt64BigEndian(value);
}

using System.Diagnostics;
using System.Globalization;
using System.Text;
using HdrHistogram;
using KvCloud.Client;

namespace KvCloud.Cli.Load;

/// <summary>One run of `kv bench`: callers in a closed loop over keys of their own prefix.</summary>
internal sealed class BenchRun(
    KvCloudClient client, BenchPlan plan, KvReadOptions readOptions, KvWriteOptions writeOptions)
{
    public static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(1);

    private const string Prefix = "kv-bench/";
    private const long HighestMicroseconds = 600_000_000;
    private const int Digits = 3;
    private const int Deleting = 64;

    private readonly LongConcurrentHistogram _reads = new(1, HighestMicroseconds, Digits);
    private readonly LongConcurrentHistogram _writes = new(1, HighestMicroseconds, Digits);
    private readonly string _prefix = string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Guid.NewGuid():n}/");
    private long _failed;
    private long _unknown;
    private string? _firstError;

    /// <param name="keep">Whether the keys stay.</param>
    public async Task<BenchResult> RunAsync(bool keep, CancellationToken cancellationToken)
    {
        // A cluster that cannot be written to says so before anything is measured.
        await client.SetAsync(KeyOf(0), ValueOf(new Random(0)), writeOptions, cancellationToken);
        long begin = Stopwatch.GetTimestamp();
        long counted = begin + (long)(WarmUp.TotalSeconds * Stopwatch.Frequency);
        long end = counted + (long)(plan.Duration.TotalSeconds * Stopwatch.Frequency);
        try
        {
            await Task.WhenAll(Enumerable.Range(0, plan.Clients).Select(caller =>
                Task.Run(() => CallAsync(caller, counted, end, cancellationToken), CancellationToken.None)));
        }
        catch (OperationCanceledException)
        {
            if (!keep)
            {
                await DeleteAsync();
            }

            throw;
        }

        return new BenchResult(
            _reads, _writes, plan.Duration, Interlocked.Read(ref _failed), Interlocked.Read(ref _unknown), _firstError)
        {
            Prefix = _prefix,
            KeysLeft = keep ? plan.Keys : await DeleteAsync(),
        };
    }

    private async Task CallAsync(int caller, long counted, long end, CancellationToken cancellationToken)
    {
        var random = new Random(caller);
        byte[] value = ValueOf(random);
        while (!cancellationToken.IsCancellationRequested && Stopwatch.GetTimestamp() < end)
        {
            byte[] key = KeyOf(random.Next(plan.Keys));
            bool isRead = random.Next(100) < plan.ReadPercent;
            long started = Stopwatch.GetTimestamp();
            try
            {
                if (isRead)
                {
                    await client.GetAsync(key, readOptions, cancellationToken);
                }
                else
                {
                    await client.SetAsync(key, value, writeOptions, cancellationToken);
                }
            }
            catch (KvCloudException exception)
            {
                Fail(exception, started >= counted);
                continue;
            }

            long answered = Stopwatch.GetTimestamp();
            if (started >= counted && answered <= end)
            {
                long microseconds = (long)Stopwatch.GetElapsedTime(started, answered).TotalMicroseconds;
                (isRead ? _reads : _writes).RecordValue(Math.Clamp(microseconds, 1, HighestMicroseconds));
            }
        }

        cancellationToken.ThrowIfCancellationRequested();
    }

    private void Fail(KvCloudException exception, bool counts)
    {
        if (counts)
        {
            Interlocked.Increment(ref exception.OutcomeKnown ? ref _failed : ref _unknown);
            Interlocked.CompareExchange(ref _firstError, exception.Message, null);
        }
    }

    /// <summary>
    /// Runs after Ctrl-C too, so it has no token of the caller's. How many keys may be left: a cluster that fails must
    /// not take the figures along.
    /// </summary>
    private async Task<int> DeleteAsync()
    {
        int left = 0;
        await Parallel.ForEachAsync(
            Enumerable.Range(0, plan.Keys),
            new ParallelOptions { MaxDegreeOfParallelism = Deleting },
            async (key, token) =>
            {
                try
                {
                    // Once several could not be deleted, waiting for each of the others to fail helps nobody.
                    if (Volatile.Read(ref left) < Deleting)
                    {
                        await client.DeleteAsync(KeyOf(key), writeOptions, token);
                        return;
                    }
                }
                catch (KvCloudException)
                {
                    // Counted below.
                }

                Interlocked.Increment(ref left);
            });
        return left;
    }

    private byte[] KeyOf(int number) =>
        Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{_prefix}{number:00000000}"));

    private byte[] ValueOf(Random random)
    {
        byte[] value = new byte[plan.ValueBytes];
        random.NextBytes(value);
        return value;
    }
}

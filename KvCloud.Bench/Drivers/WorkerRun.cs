using System.Diagnostics;
using System.Runtime.CompilerServices;
using KvCloud.Bench.Load;
using KvCloud.Bench.Wire;

namespace KvCloud.Bench.Drivers;

/// <summary>Drives a client library with one task per call in flight.</summary>
internal sealed class WorkerRun : LoadRun
{
    private static readonly TimeSpan Drain = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan PauseAfterLoss = TimeSpan.FromMilliseconds(20);

    private readonly LoadOptions _options;
    private readonly LoadData _material;
    private readonly ILibraryDriver _driver;
    private readonly RunClock _clock;
    private readonly Lock _scheduleLock = new();
    private readonly OpenLoopSchedule? _schedule;

    // A histogram takes 150 KB, so workers share a few of them behind locks with little contention.
    private readonly LatencyRecorder[] _recorders;
    private long _completed;

    public WorkerRun(
        LoadOptions options, LoadData material, ILibraryDriver driver, RunClock clock,
        CancellationToken cancellationToken)
    {
        _options = options;
        _material = material;
        _driver = driver;
        _clock = clock;
        bool openLoop = options.RatePerSecond > 0;
        _schedule = openLoop ? new OpenLoopSchedule(clock.StartTicks, options.RatePerSecond, 0, 1) : null;
        _recorders = [.. Enumerable.Range(0, Environment.ProcessorCount * 2)
            .Select(_ => new LatencyRecorder(clock.WindowTicks, clock.EndTicks, openLoop))];
        Completion = RunAsync(cancellationToken);
    }

    public override Task<LatencyRecorder> Completion { get; }

    public override long Completed => Interlocked.Read(ref _completed);

    public override void Dispose()
    {
        // The run's task disposes the connections and the driver.
    }

    private async Task<LatencyRecorder> RunAsync(CancellationToken cancellationToken)
    {
        await using ConfiguredAsyncDisposable driver = _driver.ConfigureAwait(false);
        int perConnection = _driver.Multiplexes ? _options.InFlight : 1;
        ICallConnection[] connections = Enumerable
            .Range(0, _options.Clients / perConnection).Select(_driver.Open).ToArray();

        // After the window closes, wait briefly for outstanding answers, then cancel them.
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        stop.CancelAfter(Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), _clock.EndTicks) + Drain);
        try
        {
            await Task.WhenAll(Enumerable.Range(0, _options.Clients).Select(
                i => Task.Run(() => WorkAsync(i, connections[i / perConnection], stop.Token), CancellationToken.None)))
                .ConfigureAwait(false);
        }
        finally
        {
            foreach (ICallConnection? connection in connections)
            {
                await connection.DisposeAsync().ConfigureAwait(false);
            }
        }

        cancellationToken.ThrowIfCancellationRequested();
        foreach (LatencyRecorder? recorder in _recorders.AsSpan(1))
        {
            _recorders[0].Add(recorder);
        }

        RecordUnsent();
        return _recorders[0];
    }

    private async Task WorkAsync(int worker, ICallConnection connection, CancellationToken cancellationToken)
    {
        var source = new OperationSource(_options, _material, worker);
        LatencyRecorder recorder = _recorders[worker % _recorders.Length];
        while (!cancellationToken.IsCancellationRequested && TakeStart(out long intended))
        {
            if (intended > Stopwatch.GetTimestamp())
            {
                await RunClock.WaitUntilAsync(intended, CancellationToken.None).ConfigureAwait(false);
            }

            Operation operation = source.Next(_schedule is null ? Stopwatch.GetTimestamp() : intended);
            WireAnswer? answer = await RunOneAsync(source, operation, connection, cancellationToken)
                .ConfigureAwait(false);
            long now = Stopwatch.GetTimestamp();
            lock (recorder)
            {
                if (answer is null)
                {
                    if (_schedule is not null)
                    {
                        recorder.RecordUnfinished(operation.Kind, operation.IntendedTicks, now);
                    }
                }
                else
                {
                    recorder.Record(
                        operation.Kind, operation.IntendedTicks, now, answer.Value.Status, answer.Value.Error);
                }
            }

            Interlocked.Increment(ref _completed);
            if (answer?.Status == CallStatus.ConnectionLost)
            {
                await Task.Delay(PauseAfterLoss, CancellationToken.None).ConfigureAwait(false);
            }
        }
    }

    /// <summary>False if the run is over.</summary>
    private bool TakeStart(out long intendedTicks)
    {
        intendedTicks = Stopwatch.GetTimestamp();
        if (_schedule is null)
        {
            return intendedTicks < _clock.EndTicks;
        }

        lock (_scheduleLock)
        {
            return _schedule.NextTicks < _clock.EndTicks && _schedule.TryTake(long.MaxValue, out intendedTicks);
        }
    }

    /// <summary>Null if the run ended before the answer arrived.</summary>
    private async Task<WireAnswer?> RunOneAsync(
        OperationSource source, Operation operation, ICallConnection connection, CancellationToken cancellationToken)
    {
        try
        {
            if (operation.Kind == OperationKind.ReadModifyWrite)
            {
                WireAnswer read = await connection
                    .CallAsync(Call(source, operation), cancellationToken).ConfigureAwait(false);
                if (!CallStatuses.IsSuccess(read.Status))
                {
                    return read;
                }

                operation.Step = 1;
            }

            return await connection.CallAsync(Call(source, operation), cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    private LibraryCall Call(OperationSource source, in Operation operation)
    {
        CallKind kind = WireLoop.KindOf(operation);
        ReadOnlySpan<byte> keys = source.Keys(operation);
        byte[][] split = new byte[keys.Length / _options.KeySizeBytes][];
        for (int i = 0; i < split.Length; i++)
        {
            split[i] = keys.Slice(i * _options.KeySizeBytes, _options.KeySizeBytes).ToArray();
        }

        byte[] value = kind is CallKind.Set or CallKind.Commit ? source.Value().ToArray() : [];
        byte[] endKey = kind == CallKind.Range ? source.EndKey(operation).ToArray() : [];
        return new LibraryCall(kind, split, endKey, value, _options.RangeLimit);
    }

    private void RecordUnsent()
    {
        if (_schedule is null)
        {
            return;
        }

        long now = Stopwatch.GetTimestamp();
        while (_schedule.NextTicks < _clock.EndTicks && _schedule.TryTake(long.MaxValue, out long intended))
        {
            _recorders[0].RecordUnfinished(_options.Mix.Kinds[0], intended, now);
        }
    }
}

using System.Diagnostics;
using System.Runtime.CompilerServices;
using KvCloud.Bench.Drivers;
using KvCloud.Bench.Measure;
using KvCloud.Bench.Wire;

namespace KvCloud.Bench.Load;

/// <summary>
/// Runs one load: preload, warm-up, measured window. Reads the servers' and its own CPU time at both ends of the
/// window.
/// </summary>
internal static class LoadGenerator
{
    private const int PreloadConnections = 16;
    private const int PreloadInFlight = 64;

    /// <summary>Limit of value bytes in flight: a quarter of what one node accepts.</summary>
    private const int PreloadInFlightBytes = 16 * 1024 * 1024;
    private const int PreloadPasses = 5;
    private static readonly TimeSpan PreloadTimeout = TimeSpan.FromMinutes(30);

    /// <summary>
    /// Calls in flight per connection during a preload: fewer for large values, which a node would otherwise refuse as
    /// overload.
    /// </summary>
    public static int PreloadInFlightOf(int valueSizeBytes) =>
        Math.Clamp(PreloadInFlightBytes / PreloadConnections / Math.Max(1, valueSizeBytes), 1, PreloadInFlight);

    public static async Task<LoadResult> RunAsync(
        LoadOptions options, TextWriter log, CancellationToken cancellationToken)
    {
        options.Validate();
        var material = new LoadData(options);
        if (options.Preload > 0)
        {
            await PreloadAsync(options, log, cancellationToken).ConfigureAwait(false);
        }

        Task<EndpointChooser> choosing = EndpointChooser.CreateAsync(
            options, DriverFactory.LeaderFinder(options.Driver), cancellationToken);
        await using ConfiguredAsyncDisposable endpoints = (await choosing.ConfigureAwait(false)).ConfigureAwait(false);
        return await MeasureAsync(options, material, await choosing.ConfigureAwait(false), log, cancellationToken)
            .ConfigureAwait(false);
    }

    /// <summary>Writes keys 0 to Preload - 1 once each, in order.</summary>
    private static async Task PreloadAsync(LoadOptions options, TextWriter log, CancellationToken cancellationToken)
    {
        long started = Stopwatch.GetTimestamp();
        DriverKind driver = DriverFactory.LeaderFinder(options.Driver) is EtcdLeaderFinder
            ? DriverKind.Etcd
            : DriverKind.ThriftPipelined;
        LoadOptions load = options with
        {
            Driver = driver,
            Mix = OperationMix.Of(OperationKind.Set),
            Distribution = KeyDistribution.Sequential,
            Keys = options.Preload,
            Calls = options.Preload,
            Warmup = TimeSpan.Zero,
            Duration = PreloadTimeout,
            Connections = PreloadConnections,
            InFlight = PreloadInFlightOf(options.ValueSizeBytes),
            Target = TargetKind.Leader,
            Loops = 1,
            RatePerSecond = 0,
        };
        Task<EndpointChooser> choosing = EndpointChooser.CreateAsync(
            load, DriverFactory.LeaderFinder(driver), cancellationToken);
        await using ConfiguredAsyncDisposable endpoints = (await choosing.ConfigureAwait(false)).ConfigureAwait(false);
        for (int pass = 1; ; pass++)
        {
            var clock = RunClock.From(Stopwatch.GetTimestamp(), load.Warmup, load.Duration);
            using LoadRun run = DriverFactory.Start(
                load, new LoadData(load), await choosing.ConfigureAwait(false), clock, cancellationToken);
            LatencyRecorder recorder = await run.Completion.ConfigureAwait(false);
            long missing = options.Preload - recorder.CountOf(CallStatus.Ok);
            if (missing == 0)
            {
                break;
            }

            // A change of leader fails the calls in flight; writing all keys again is simpler than tracking which ones
            // failed.
            string found = $"{missing} of {options.Preload} keys were not written: {recorder.FirstError ?? "too slow"}";
            if (pass == PreloadPasses)
            {
                throw new BenchException(found);
            }

            await log.WriteLineAsync($"preload, pass {pass}: {found}").ConfigureAwait(false);
        }

        if (options.Progress)
        {
            await log.WriteLineAsync(
                $"preloaded {options.Preload} keys in {Stopwatch.GetElapsedTime(started).TotalSeconds:F1} s")
                .ConfigureAwait(false);
        }
    }

    private static async Task<LoadResult> MeasureAsync(
        LoadOptions options, LoadData material, EndpointChooser endpoints, TextWriter log,
        CancellationToken cancellationToken)
    {
        var clock = RunClock.From(Stopwatch.GetTimestamp(), options.Warmup, options.Duration);
        using LoadRun run = DriverFactory.Start(options, material, endpoints, clock, cancellationToken);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task progress = options.Progress ? ProgressAsync(run, clock, log, ended.Token) : Task.CompletedTask;

        await WaitAsync(run, clock.WindowTicks, cancellationToken).ConfigureAwait(false);
        var before = ServerUsage.Read(options.ServerPids);
        TimeSpan ownBefore = Environment.CpuUsage.TotalTime;
        await WaitAsync(run, clock.EndTicks, cancellationToken).ConfigureAwait(false);
        var after = ServerUsage.Read(options.ServerPids);
        TimeSpan own = Environment.CpuUsage.TotalTime - ownBefore;

        LatencyRecorder recorder = await run.Completion.ConfigureAwait(false);
        await ended.CancelAsync().ConfigureAwait(false);
        await progress.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return Summarize(options, recorder, before, after, own);
    }

    /// <summary>Waits for the given time, or for the run to fail earlier.</summary>
    private static async Task WaitAsync(LoadRun run, long ticks, CancellationToken cancellationToken)
    {
        Task moment = RunClock.WaitUntilAsync(ticks, cancellationToken);
        if (await Task.WhenAny(moment, run.Completion).ConfigureAwait(false) == run.Completion
            && run.Completion.IsFaulted)
        {
            await run.Completion.ConfigureAwait(false);
        }

        await moment.ConfigureAwait(false);
    }

    private static async Task ProgressAsync(
        LoadRun run, RunClock clock, TextWriter log, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
        long last = 0;
        while (await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false))
        {
            long now = Stopwatch.GetTimestamp();
            long done = run.Completed;
            double second = Stopwatch.GetElapsedTime(clock.StartTicks, now).TotalSeconds;
            string phase = now < clock.WindowTicks ? "warm-up" : now < clock.EndTicks ? "measuring" : "draining";
            await log.WriteLineAsync($"{second,6:F0} s  {done - last,9} calls/s  {phase}").ConfigureAwait(false);
            last = done;
        }
    }

    private static LoadResult Summarize(
        LoadOptions options, LatencyRecorder recorder, ServerUsage before, ServerUsage after, TimeSpan own)
    {
        var statuses = Enum.GetValues<CallStatus>()
            .Where(status => recorder.CountOf(status) > 0)
            .ToDictionary(status => status.ToString(), recorder.CountOf);
        long counted = Enum.GetValues<CallStatus>().Where(CallStatuses.IsSuccess).Sum(recorder.CountOf);
        long successes = recorder.PerSecond.Sum();
        double seconds = options.Duration.TotalSeconds;
        int servers = options.ServerPids.Count;
        double cpu = after.CpuSeconds - before.CpuSeconds;
        long divisor = Math.Max(1, successes);
        return new LoadResult
        {
            Driver = options.Driver.ToString(),
            Mix = options.Mix.Text,
            Target = options.EffectiveTarget.ToString(),
            Connections = options.Connections,
            InFlight = options.InFlight,
            RatePerSecond = options.RatePerSecond,
            KeySizeBytes = options.KeySizeBytes,
            ValueSizeBytes = options.ValueSizeBytes,
            Keys = options.Keys,
            Seconds = seconds,
            Throughput = Math.Round(successes / seconds, 1),
            Latency = recorder.Summarize(),
            ByOperation = recorder.SummarizeKinds(),
            Statuses = statuses,
            Errors = statuses.Values.Sum() - counted,
            FirstError = recorder.FirstError,
            Unfinished = recorder.Unfinished,
            PerSecond = recorder.PerSecond,
            ServerCpuMicroseconds = servers == 0 ? null : Math.Round(cpu * 1e6 / divisor, 2),
            ServerCores = servers == 0 ? null : Math.Round(cpu / seconds, 3),
            ServerMemoryMb = servers == 0 ? null : Math.Round(after.ResidentBytes / 1048576.0 / servers, 1),
            ServerWriteBytes = servers == 0 ? null : Math.Round(
                (after.WrittenBytes - before.WrittenBytes) / (double)divisor, 1),
            GeneratorCores = Math.Round(own.TotalSeconds / seconds, 3),
            GeneratorCpuMicroseconds = Math.Round(own.TotalMicroseconds / divisor, 2),
        };
    }
}

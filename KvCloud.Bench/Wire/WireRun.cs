using KvCloud.Bench.Load;

namespace KvCloud.Bench.Wire;

/// <summary>The loops of one run, one thread each.</summary>
internal sealed class WireRun : LoadRun
{
    private readonly WireLoop[] _loops;
    private readonly LatencyRecorder[] _recorders;

    public WireRun(
        LoadOptions options,
        LoadData material,
        EndpointChooser endpoints,
        RunClock clock,
        Func<string, WireProtocol> newProtocol,
        CancellationToken cancellationToken)
    {
        _recorders = new LatencyRecorder[options.Loops];
        _loops = new WireLoop[options.Loops];
        for (int i = 0; i < options.Loops; i++)
        {
            _recorders[i] = new LatencyRecorder(clock.WindowTicks, clock.EndTicks, options.RatePerSecond > 0);
            var source = new OperationSource(options, material, i);
            _loops[i] = new WireLoop(
                new WireLoopPlan(i, options, newProtocol, endpoints, source, _recorders[i], clock));
        }

        Completion = RunAsync(cancellationToken);
    }

    public override Task<LatencyRecorder> Completion { get; }

    public override long Completed => _loops.Sum(loop => loop.Completed);

    public override void Dispose()
    {
        foreach (WireLoop loop in _loops)
        {
            loop.Dispose();
        }
    }

    private async Task<LatencyRecorder> RunAsync(CancellationToken cancellationToken)
    {
        // Dedicated threads: a loop blocks in epoll, which would starve the thread pool.
        IEnumerable<Task> tasks = _loops.Select(loop => Task.Factory.StartNew(
            () => loop.Run(cancellationToken), CancellationToken.None, TaskCreationOptions.LongRunning,
            TaskScheduler.Default));
        await Task.WhenAll(tasks).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        foreach (LatencyRecorder? recorder in _recorders.AsSpan(1))
        {
            _recorders[0].Add(recorder);
        }

        return _recorders[0];
    }
}

using System.Diagnostics;
using KvCloud.Node.Telemetry;

namespace KvCloud.Node.Rpc.Flows;

/// <summary>
/// Measures how long threads wait for a core while one caller takes much more than others, and has
/// <see cref="CallerPacing"/> slow that one down. A thread of its own, since the thread pool is part of what it
/// measures.
/// </summary>
internal sealed partial class PacingThread : IDisposable
{
    private const int ReviewMs = 100;

    /// <summary>Between two measurements: each costs about ten microseconds of a core.</summary>
    private const int ProbeMs = 2;

    /// <summary>A pool that has not run the item by then is measured as that late, and not asked anew.</summary>
    private const int MaxProbeMs = 200;

    private const int LogLinesPerMinute = 10;

    private readonly RpcFlows _flows;
    private readonly ICpuLoad _load;
    private readonly int _maxDelayUs;
    private readonly ILogger<PacingThread> _logger;
    private readonly LogRateLimit _log;
    private readonly ManualResetEventSlim _stopped = new(false);
    private readonly ManualResetEventSlim _ran = new(false, spinCount: 0);
    private readonly PoolProbe _probe;
    private bool _isProbing;
    private Thread? _thread;

    public PacingThread(
        RpcFlows flows, ICpuLoad load, RpcOptions options, TimeProvider time, ILogger<PacingThread> logger)
    {
        _flows = flows;
        _load = load;
        _maxDelayUs = options.Limits.MaxSchedulingDelayUs;
        _logger = logger;
        _log = new LogRateLimit(LogLinesPerMinute, TimeSpan.FromMinutes(1), time);
        _probe = new PoolProbe(_ran);
    }

    /// <summary>
    /// Does nothing where nobody is to be slowed down, nor on Windows, whose threads sleep for longer than delays are.
    /// </summary>
    public void Start()
    {
        if (_maxDelayUs > 0 && !OperatingSystem.IsWindows())
        {
            _thread = new Thread(Run) { IsBackground = true, Name = "kv-pacing" };
            _thread.Start();
        }
    }

    public void Dispose()
    {
        _stopped.Set();
        _thread?.Join();
        _stopped.Dispose();
        _ran.Dispose();
    }

    private void Run()
    {
        var pacing = new CallerPacing(_maxDelayUs, Report);
        var flows = new List<RpcFlow>();
        long reviewed = Environment.TickCount64;
        bool isBusy = false;
        while (!_stopped.Wait(pacing.HasHeavy ? 0 : ReviewMs))
        {
            if (pacing.HasHeavy)
            {
                // On idle cores a thread is late for other reasons.
                long delayUs = MeasureDelayUs();
                pacing.Observe(isBusy ? delayUs : 0);
            }

            long now = Environment.TickCount64;
            if (now - reviewed >= ReviewMs)
            {
                flows.Clear();
                _flows.CopyTo(flows);
                pacing.Review(flows, now, now - reviewed);
                isBusy = _load.IsBusy();
                reviewed = now;
            }
        }
    }

    /// <summary>
    /// How long this thread, which sleeps, and then one of the pool have to wait for a core, the items that the pool
    /// has to run before included.
    /// </summary>
    private long MeasureDelayUs()
    {
        long began = Stopwatch.GetTimestamp();
        Thread.Sleep(ProbeMs);
        long sleptUs = (long)Stopwatch.GetElapsedTime(began).TotalMicroseconds;
        if (!_isProbing)
        {
            _ran.Reset();
            _probe.Queue();
        }

        _isProbing = !_ran.Wait(MaxProbeMs);
        return Math.Max(0, sleptUs - (ProbeMs * 1000)) + (_isProbing ? MaxProbeMs * 1000 : _probe.DelayUs);
    }

    private void Report(RpcFlow flow)
    {
        if (_log.TryPass(out long suppressed))
        {
            Log.Paced(_logger, flow.Name, suppressed);
        }
    }

    private sealed class PoolProbe(ManualResetEventSlim ran) : IThreadPoolWorkItem
    {
        private long _queued;

        public long DelayUs { get; private set; }

        public void Queue()
        {
            _queued = Stopwatch.GetTimestamp();
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }

        public void Execute()
        {
            DelayUs = (long)Stopwatch.GetElapsedTime(_queued).TotalMicroseconds;
            ran.Set();
        }
    }

    private static partial class Log
    {
        [LoggerMessage(2119, LogLevel.Information,
            "Slowing down {Caller}: it takes much more than others, and they wait for it (max_scheduling_delay_us)"
            + " ({Suppressed} similar lines suppressed)")]
        public static partial void Paced(ILogger logger, string caller, long suppressed);
    }
}

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

    private const int LogLinesPerMinute = 10;

    private readonly RpcFlows _flows;
    private readonly int _maxDelayUs;
    private readonly ILogger<PacingThread> _logger;
    private readonly LogRateLimit _log;
    private readonly ManualResetEventSlim _stopped = new(false);
    private readonly ManualResetEventSlim _ran = new(false, spinCount: 0);
    private readonly PoolProbe _probe;
    private Thread? _thread;

    public PacingThread(RpcFlows flows, RpcOptions options, TimeProvider time, ILogger<PacingThread> logger)
    {
        _flows = flows;
        _maxDelayUs = options.Limits.MaxSchedulingDelayUs;
        _logger = logger;
        _log = new LogRateLimit(LogLinesPerMinute, TimeSpan.FromMinutes(1), time);
        _probe = new PoolProbe(_ran);
    }

    /// <summary>Does nothing where nobody is to be slowed down.</summary>
    public void Start()
    {
        if (_maxDelayUs > 0)
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
        long reviewed = Environment.TickCount64;
        while (!_stopped.Wait(pacing.HasHeavy ? 0 : ReviewMs))
        {
            if (pacing.HasHeavy)
            {
                pacing.Observe(MeasureDelayUs());
            }

            long now = Environment.TickCount64;
            if (now - reviewed >= ReviewMs)
            {
                pacing.Review(_flows.All(), now, now - reviewed);
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
        _ran.Reset();
        _probe.Queue();
        _ran.Wait();
        return Math.Max(0, sleptUs - (ProbeMs * 1000)) + _probe.DelayUs;
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

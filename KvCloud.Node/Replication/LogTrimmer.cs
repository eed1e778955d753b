using KvCloud.Consensus;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.State;

namespace KvCloud.Node.Replication;

/// <summary>
/// Makes the data store durable now and then, has the log marked how far it has got, and drops the log that no replica needs any more: only what every voter has
/// in its data store durably, and never what this one would need after a crash.
/// </summary>
internal sealed class LogTrimmer : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly IPaxosLog _log;
    private readonly KvStoreExecutor _executor;
    private readonly ConsensusDriver _driver;
    private readonly ReplicationOptions _options;
    private readonly Action<Exception> _onFatal;
    private readonly ManualResetEventSlim _stop = new();
    private readonly Thread _thread;

    public LogTrimmer(
        IPaxosLog log,
        KvStoreExecutor executor,
        ConsensusDriver driver,
        ReplicationOptions options,
        Action<Exception> onFatal)
    {
        _log = log;
        _executor = executor;
        _driver = driver;
        _options = options;
        _onFatal = onFatal;
        _thread = new Thread(Run) { Name = "kv-trim", IsBackground = true };
    }

    public void Start() => _thread.Start();

    public void Dispose()
    {
        _stop.Set();
        if (_thread.IsAlive)
        {
            _thread.Join();
        }

        _stop.Dispose();
    }

    private void Run()
    {
        try
        {
            long flushedBytes = 0;
            while (!_stop.Wait(Interval))
            {
                _log.Mark();
                long appliedBytes = _driver.AppliedBytes;
                if (appliedBytes - flushedBytes >= _options.FlushBytes)
                {
                    _executor.Flush();
                    flushedBytes = appliedBytes;
                }

                Slot trim = Slot.Min(_driver.TrimSlot, _executor.DurableSlot);
                if (trim >= _log.FirstSlot)
                {
                    _log.TrimBelow(trim.Next);
                }
            }
        }
        catch (Exception exception)
        {
            _onFatal(exception);
        }
    }
}

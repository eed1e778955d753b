using KvCloud.Consensus;
using KvCloud.Node.State;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Replication;

/// <summary>
/// One replica at work: its consensus over a log, a data store and a transport, started and stopped in the right order.
/// Log and store stay the caller's.
/// Standalone mode is a group of one over the same path.
/// </summary>
internal sealed class Replica : IAsyncDisposable
{
    private readonly IConsensusTransport _transport;
    private readonly LogTrimmer _trimmer;
    private bool _isDisposed;

    public Replica(
        PaxosConfig config,
        IPaxosLog log,
        KvStoreExecutor executor,
        IConsensusTransport transport,
        ReplicationOptions options,
        TimeProvider time,
        Action<Exception> onFatal)
    {
        _transport = transport;
        RestoredState restored = Recovery.Restore(log, executor);
        Driver = new ConsensusDriver(config, restored, log, transport, executor, options, time, onFatal);
        _trimmer = new LogTrimmer(log, executor, Driver, options, onFatal);
    }

    public ConsensusDriver Driver { get; }

    public async Task StartAsync(Action<PeerReport> onReport, CancellationToken cancellationToken)
    {
        Driver.Start();
        _trimmer.Start();
        await _transport.StartAsync(Driver.Receive, onReport, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        await _transport.DisposeAsync().ConfigureAwait(false);
        _trimmer.Dispose();
        Driver.Dispose();
    }
}

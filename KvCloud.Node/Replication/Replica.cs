using KvCloud.Consensus;
using KvCloud.Node.Replication.Log;
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
        Forwarder = new WriteForwarder(config.Self, Driver, transport, options);
        _trimmer = new LogTrimmer(log, executor, Driver, options, Driver.Fail);
    }

    public ConsensusDriver Driver { get; }

    public WriteForwarder Forwarder { get; }

    public async Task StartAsync(Action<PeerReport> onReport, CancellationToken cancellationToken)
    {
        Driver.Start();
        _trimmer.Start();
        await _transport.StartAsync(Receive, onReport, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        await _transport.DisposeAsync().ConfigureAwait(false);
        await Forwarder.DisposeAsync().ConfigureAwait(false);
        _trimmer.Dispose();
        Driver.Dispose();
    }

    /// <summary>Almost always all is of consensus, and passed on as it is.</summary>
    private void Receive(IReadOnlyList<Message> messages)
    {
        for (int i = 0; i < messages.Count; i++)
        {
            if (messages[i] is Forward or ForwardReply or SlotTrace)
            {
                ReceiveTraces(messages);
                Forwarder.Receive(messages);
                messages = [.. messages.Where(message => message is not (Forward or ForwardReply or SlotTrace))];
                break;
            }
        }

        if (messages.Count > 0)
        {
            Driver.Receive(messages);
        }
    }

    private void ReceiveTraces(IReadOnlyList<Message> messages)
    {
        for (int i = 0; i < messages.Count; i++)
        {
            if (messages[i] is SlotTrace trace)
            {
                Driver.Traces.Note(trace.Slot, trace.Origin, trace.Context);
            }
        }
    }
}

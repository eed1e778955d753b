using KvCloud.Consensus;
using KvCloud.Node.Replication.Backup;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.Replication.Scrubbing;
using KvCloud.Node.Replication.Snapshots;
using KvCloud.Node.Replication.Workers;
using KvCloud.Node.State;
using KvCloud.Node.Storage;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Replication;

/// <summary>
/// A running replica: consensus over a log, a data store and a transport, started and stopped in the right order. The
/// caller keeps ownership of the log and the store. Standalone mode is a group of one using the same code.
/// </summary>
/// <remarks>
/// Neither this class nor its parts own a thread, a clock or a socket: those come with the
/// <see cref="IReplicaRuntime"/> and the transport. The simulator runs this same class.
/// </remarks>
internal sealed class Replica : IAsyncDisposable
{
    private readonly IConsensusTransport _transport;
    private readonly IWorkers _workers;
    private readonly LogWriter _logWriter;
    private readonly Applier _applier;
    private readonly Action<Exception> _onFatal;
    private bool _isDisposed;

    /// <summary>Applies what the log has beyond the data store before it returns.</summary>
    /// <remarks>
    /// So many parameters, because these are its seams: production and the simulator each supply their own.
    /// </remarks>
    /// <param name="bootstrap">Until it is formed, this replica does not vote, lead or answer its peers.</param>
    /// <param name="onFatal">Called when a part that this replica cannot run without has failed: the process must
    /// stop.</param>
    /// <param name="snapshots">Without it this replica neither makes nor fetches snapshots.</param>
    /// <param name="onReplayed">Called after each chunk with the applied slot and the last slot to apply.</param>
    /// <exception cref="LogCorruptException">The log lacks a slot that it must have.</exception>
    public Replica(
        PaxosConfig config,
        IPaxosLog log,
        KvStoreExecutor executor,
        IConsensusTransport transport,
        Bootstrap bootstrap,
        ReplicationOptions options,
        IReplicaRuntime runtime,
        SpaceWatch space,
        Action<Exception> onFatal,
        SnapshotPlace? snapshots = null,
        Action<Slot, Slot>? onReplayed = null)
    {
        RestoredState restored = Restore(log, executor, onReplayed);
        _transport = transport;
        _onFatal = onFatal;
        _workers = runtime.CreateWorkers(Failed);
        var traces = new SlotTraces(config.Self, config.Voters);
        var inbox = new DriverInbox(
            options.MaxQueuedWrites, options.MaxQueuedWriteBytes, options.MaxBatchBytes, ReplicaClock.TickMs);
        _logWriter = new LogWriter(config.Self, log, transport, inbox, runtime, traces);
        _applier = new Applier(executor, runtime, traces, options.HashEverySlots, onFatal);
        var catchUps = new CatchUpServer(config.Self, log, transport, options.CatchUpChunkBytes);
        var parts = new ReplicaParts(
            transport, bootstrap, executor, options, runtime, _workers, inbox, _logWriter, _applier, catchUps,
            new DiskHealth(space, _logWriter, options.StallLimitMs, runtime.Clock), traces);
        Driver = new ConsensusDriver(config, restored, parts);
        if (executor.Health.IsDamaged)
        {
            _applier.StopApplying();
        }

        Forwarder = new WriteForwarder(config.Self, Driver, transport, options, runtime, _workers);
        Driver.OnTick = Forwarder.Sweep;
        Driver.OnMembers = Reconfigure;
        executor.Health.OnDamaged = _ =>
        {
            _applier.StopApplying();
            _workers.Wake(Station.Consensus);
            if (Rebuild is not null)
            {
                _workers.Wake(Station.Rebuild);
            }
        };
        if (Driver.Status.Members.Slot > Slot.Zero)
        {
            transport.Reconfigure(Driver.Status.Members, isSettled: false);
        }

        _workers.Add(Station.Consensus, Driver);
        _workers.Add(Station.Log, _logWriter);
        _workers.Add(Station.Apply, _applier);
        _workers.Add(Station.CatchUp, catchUps);
        if (snapshots is not null)
        {
            AddSnapshots(config.Self, executor, log, snapshots, runtime, options);
            catchUps.OnOrder = SnapshotServer!.Pins.NoteCatchUp;
            Backups = new BackupReads(
                config.Self, snapshots.ClusterId, executor, log, SnapshotServer,
                () => _workers.Wake(Station.Snapshots));
        }

        _workers.Add(
            Station.Trim,
            new LogTrimmer(log, executor, Driver, _applier, space, SnapshotServer, Rebuild, runtime.Clock, options));
        _workers.Add(Station.Forward, Forwarder.Sender);
    }

    public ConsensusDriver Driver { get; }

    public WriteForwarder Forwarder { get; }

    public SnapshotServer? SnapshotServer { get; private set; }

    public SnapshotReceiver? SnapshotReceiver { get; private set; }

    /// <summary>Serves backups; null without snapshots.</summary>
    public BackupReads? Backups { get; private set; }

    public DataRebuild? Rebuild { get; private set; }

    /// <summary>Null if the scrub is switched off.</summary>
    public Scrubber? Scrubber { get; private set; }

    /// <summary>Called when this replica was removed and its removal is settled.</summary>
    public Action? OnRemoved { get; set; }

    /// <summary>
    /// The group has removed this replica, as its own log or a peer says. Any thread may call.
    /// </summary>
    public void Removed()
    {
        Driver.GiveUpReads();
        OnRemoved?.Invoke();
    }

    public async Task StartAsync(Action<PeerReport> onReport, CancellationToken cancellationToken)
    {
        _workers.Start();

        void Report(PeerReport report)
        {
            Rebuild?.Note(report);
            onReport(report);
        }

        await _transport.StartAsync(Receive, Report, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Stops the workers in the order in which they feed each other: chosen slots are applied and answered, and writes
    /// in flight are answered with an unknown outcome.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        await _transport.DisposeAsync().ConfigureAwait(false);
        Forwarder.Stop();
        _workers.Stop(Station.Forward);
        if (SnapshotServer is not null)
        {
            Rebuild!.Abandon();
            _workers.Stop(Station.Rebuild);
            SnapshotServer.Close();
            _workers.Stop(Station.Snapshots);
            SnapshotReceiver!.Close();
            _workers.Stop(Station.Incoming);
            SnapshotServer.Dispose();
            SnapshotReceiver.Dispose();
        }

        if (Scrubber is not null)
        {
            _workers.Stop(Station.Scrub);
        }

        _workers.Stop(Station.Trim);
        _workers.Stop(Station.CatchUp);
        Driver.Close(hasFailed: false);
        _workers.Stop(Station.Consensus);
        _logWriter.Close();
        _workers.Stop(Station.Log);
        _applier.Close();
        _workers.Stop(Station.Apply);
        Scrubber?.Dispose();
        Driver.Abandon();
        _workers.Dispose();
    }

    /// <summary>Data that turn out to be damaged while the log is applied are treated like missing data.</summary>
    private static RestoredState Restore(IPaxosLog log, KvStoreExecutor executor, Action<Slot, Slot>? onReplayed)
    {
        try
        {
            return executor.Health.IsDamaged ? Recovery.WithoutData(log) : Recovery.Restore(log, executor, onReplayed);
        }
        catch (StoreCorruptException exception)
        {
            executor.Health.Report(StoreDamage.Of(exception));
            return Recovery.WithoutData(log);
        }
    }

    private void AddSnapshots(
        NodeId self,
        KvStoreExecutor executor,
        IPaxosLog log,
        SnapshotPlace place,
        IReplicaRuntime runtime,
        ReplicationOptions options)
    {
        SnapshotServer = new SnapshotServer(self, executor, _transport, place, runtime, options.Snapshots);
        SnapshotReceiver = new SnapshotReceiver(
            self, () => Driver.Status.ChosenSlot, _transport, place, runtime, options.Snapshots);
        Rebuild = new DataRebuild(
            executor, log, SnapshotReceiver, place, runtime, options.Rebuild, _workers, OtherVoters);
        Driver.Rebuild = Rebuild;
        _workers.Add(Station.Snapshots, SnapshotServer);
        _workers.Add(Station.Incoming, SnapshotReceiver);
        _workers.Add(Station.Rebuild, Rebuild);
        if (options.Scrub.IsOn)
        {
            var hasher = new StoredRowsHasher(
                executor, runtime.Clock, options.HashEverySlots, options.Scrub.CompareEveryMs);
            Scrubber = new Scrubber(log, executor, hasher, place, runtime, options.Scrub);
            _applier.StoredRows = hasher;
            Driver.StoredRows = hasher;
            _workers.Add(Station.Scrub, Scrubber);
        }

        Driver.OnSnapshotNeeded = need =>
        {
            SnapshotReceiver.Need(need);
            _workers.Wake(Station.Incoming);
        };
    }

    private IReadOnlyCollection<NodeId> OtherVoters()
    {
        ReplicaStatus status = Driver.Status;
        return
        [
            .. status.Members.Members
                .Where(member => member.IsVoter && member.Id != status.Self)
                .Select(member => member.Id),
        ];
    }

    private void Reconfigure(GroupMembers members, bool isSettled)
    {
        _transport.Reconfigure(members, isSettled);
        if (isSettled && members.Removed.Contains(Driver.Status.Self))
        {
            Removed();
        }
    }

    /// <summary>A worker has failed. The node stops leading before it answers anybody.</summary>
    private void Failed(Exception exception)
    {
        Driver.Close(hasFailed: true);
        _onFatal(exception);
    }

    /// <summary>Almost always all messages belong to consensus; the list is then passed on as it is.</summary>
    private void Receive(IReadOnlyList<Message> messages)
    {
        for (int i = 0; i < messages.Count; i++)
        {
            if (IsBesideConsensus(messages[i]))
            {
                ReceiveTraces(messages);
                ReceiveSnapshots(messages);
                Forwarder.Receive(messages);
                messages = [.. messages.Where(message => !IsBesideConsensus(message))];
                break;
            }
        }

        if (messages.Count > 0)
        {
            Driver.Receive(messages);
        }
    }

    private static bool IsBesideConsensus(Message message) =>
        message is Forward or ForwardReply or SlotTrace or SnapshotRequest or SnapshotReply;

    private void ReceiveSnapshots(IReadOnlyList<Message> messages)
    {
        for (int i = 0; i < messages.Count && SnapshotServer is not null; i++)
        {
            if (messages[i] is SnapshotRequest request)
            {
                SnapshotServer.Receive(request);
                _workers.Wake(Station.Snapshots);
            }
            else if (messages[i] is SnapshotReply reply)
            {
                SnapshotReceiver!.Receive(reply);
                _workers.Wake(Station.Incoming);
            }
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

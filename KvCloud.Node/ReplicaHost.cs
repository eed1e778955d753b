using KvCloud.Consensus;
using KvCloud.Node.Cluster;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Workers;

namespace KvCloud.Node;

/// <summary>
/// Starts the replica with the host and stops it after the clients' calls are drained. Before they are, one that leads
/// has another take over: the others need not find out that it is gone.
/// </summary>
internal sealed class ReplicaHost(Replica replica, ClusterManager cluster, IReplicaRuntime runtime)
    : IHostedLifecycleService
{
    private const int TransferMs = 2_000;

    public Task StartAsync(CancellationToken cancellationToken) =>
        replica.StartAsync(cluster.Received, cancellationToken);

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        ReplicaStatus status = replica.Driver.Status;
        if (status.Role == Role.Leader && status.Members.Members.Count > 1)
        {
            var transfer = new Transfer
            {
                Change = new MemberChange(MemberAction.TransferLeadership, null),
                DeadlineMs = runtime.Clock.NowMs + TransferMs,
            };
            replica.Driver.Change(transfer);
            try
            {
                await transfer.Ended.Task.WaitAsync(TimeSpan.FromMilliseconds(2 * TransferMs), cancellationToken)
                    .ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
            {
                // The replica has failed meanwhile, or the host waits no longer: the others elect somebody.
            }
        }
    }

    public async Task StopAsync(CancellationToken cancellationToken) =>
        await replica.DisposeAsync().ConfigureAwait(false);

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Whatever comes of it, the node stops.</summary>
    private sealed class Transfer : PendingMemberChange
    {
        public TaskCompletionSource Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        protected override void Complete(in CommandResult result) => Ended.TrySetResult();
    }
}

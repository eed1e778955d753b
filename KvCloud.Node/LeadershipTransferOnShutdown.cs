using KvCloud.Consensus;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Workers;

namespace KvCloud.Node;

/// <summary>
/// Before anything of the node stops, one that leads has another take over, while it still answers all calls: the
/// others need not find out that it is gone, and callers are told who leads instead.
/// </summary>
/// <remarks>The host calls this first because it is registered last (see <c>Program</c>).</remarks>
internal sealed class LeadershipTransferOnShutdown(Replica replica, IReplicaRuntime runtime) : IHostedLifecycleService
{
    /// <summary>For all attempts. A successor that is asked has an election timeout for it.</summary>
    private const int TimeoutMs = 2_000;

    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromMilliseconds(50);

    private bool LeadsOthers => replica.Driver.Status is { Role: Role.Leader, Members.Members.Count: > 1 };

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        long deadlineMs = runtime.Clock.NowMs + TimeoutMs;
        try
        {
            while (LeadsOthers && runtime.Clock.NowMs < deadlineMs)
            {
                var transfer = new Transfer
                {
                    Change = new MemberChange(MemberAction.TransferLeadership, null),
                    DeadlineMs = deadlineMs,
                };
                replica.Driver.Change(transfer);
                await transfer.Ended.Task.WaitAsync(TimeSpan.FromMilliseconds(TimeoutMs), cancellationToken)
                    .ConfigureAwait(false);
                if (LeadsOthers)
                {
                    await Task.Delay(AskAgainAfter, cancellationToken).ConfigureAwait(false);
                }
            }
        }
        catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
        {
            // The replica has failed meanwhile, or the host waits no longer: the others elect somebody.
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

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

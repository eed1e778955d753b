using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.KvCloud;

/// <summary>
/// Keeps the dashboard up to date: polls the replicas once a second and publishes the leader on the cluster's resource
/// and each replica's role on its own.
/// </summary>
internal sealed partial class ClusterMonitor(
    KvCloudResource cluster, ResourceNotificationService notifications, ILogger logger)
{
    public const string FollowerIcon = "Database";

    private const string LeaderIcon = "Crown";
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly StatusProbe _probe = new(cluster.Http);
    private readonly ConcurrentDictionary<string, string?> _states = new(StringComparer.Ordinal);

    /// <summary>Runs until the application ends.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task states = FollowStatesAsync(ended.Token);
        using var timer = new PeriodicTimer(Interval);
        try
        {
            do
            {
                await RoundAsync(ended.Token).ConfigureAwait(false);
            }
            while (await timer.WaitForNextTickAsync(ended.Token).ConfigureAwait(false));
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The application is stopping.
        }

        await ended.CancelAsync().ConfigureAwait(false);
        await states.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task FollowStatesAsync(CancellationToken cancellationToken)
    {
        HashSet<string> names = [.. cluster.Replicas.Select(replica => replica.Name)];
        await foreach (ResourceEvent change in notifications.WatchAsync(cancellationToken).ConfigureAwait(false))
        {
            if (names.Contains(change.Resource.Name))
            {
                _states[change.Resource.Name] = change.Snapshot.State?.Text;
            }
        }
    }

    private async Task RoundAsync(CancellationToken cancellationToken)
    {
        ReplicaStatus[] answers = await Task.WhenAll(cluster.Replicas.Select(replica =>
            IsRunning(replica) ? _probe.AskAsync(replica, cancellationToken) : Task.FromResult(ReplicaStatus.Unknown)))
            .ConfigureAwait(false);
        ClusterStatus before = cluster.Status;
        ClusterStatus now = new([.. cluster.Replicas.Select((replica, i) =>
            // A paused replica does not answer, but its process is still the same.
            !answers[i].Answers && IsRunning(replica)
                ? answers[i] with { ProcessId = before.Of(i).ProcessId }
                : answers[i])]);
        cluster.Status = now;
        if (now.Leader != before.Leader && now.Leader is { } leader)
        {
            Leads(logger, cluster.Replicas[leader].Name);
        }

        await PublishClusterAsync(now).ConfigureAwait(false);
        foreach (KvCloudReplica replica in cluster.Replicas)
        {
            if (now.Of(replica.Index).Role != before.Of(replica.Index).Role)
            {
                await PublishReplicaAsync(replica, now.Of(replica.Index)).ConfigureAwait(false);
            }
        }
    }

    private bool IsRunning(KvCloudReplica replica) =>
        _states.TryGetValue(replica.Name, out string? state) && state == KnownResourceStates.Running;

    private async Task PublishClusterAsync(ClusterStatus status)
    {
        int running = cluster.Replicas.Count(IsRunning);
        string leader = status.Leader is { } index ? $"leader {cluster.Replicas[index].Name}" : "no leader";
        string source = string.Create(
            CultureInfo.InvariantCulture, $"{leader}, {status.Answering} of {cluster.Replicas.Count} replicas answer");
        await notifications.PublishUpdateAsync(cluster, snapshot => snapshot with
        {
            State = StateOf(status, snapshot.State?.Text),
            StartTimeStamp = snapshot.StartTimeStamp ?? (running > 0 ? DateTime.UtcNow : null),
            Properties = With(snapshot.Properties, CustomResourceKnownProperties.Source, source),
        }).ConfigureAwait(false);
    }

    /// <summary>
    /// Stays Starting until there is a leader. Aspire checks the health once when a resource starts running and then
    /// only seconds later, so the first check already finds it healthy.
    /// </summary>
    private string StateOf(ClusterStatus status, string? before)
    {
        if (cluster.Replicas.All(HasEnded))
        {
            return KnownResourceStates.Exited;
        }

        return status.Leader is not null || before == KnownResourceStates.Running
            ? KnownResourceStates.Running
            : KnownResourceStates.Starting;
    }

    private bool HasEnded(KvCloudReplica replica) =>
        _states.TryGetValue(replica.Name, out string? state) && KnownResourceStates.TerminalStates.Contains(state);

    private Task PublishReplicaAsync(KvCloudReplica replica, ReplicaStatus status) =>
        notifications.PublishUpdateAsync(replica.Resource, snapshot => snapshot with
        {
            IconName = status.Role == "leader" ? LeaderIcon : FollowerIcon,
            IconVariant = status.Role == "leader" ? IconVariant.Filled : IconVariant.Regular,
            Properties = With(snapshot.Properties, "Role", status.Role ?? "does not answer"),
        });

    private static ImmutableArray<ResourcePropertySnapshot> With(
        ImmutableArray<ResourcePropertySnapshot> properties, string name, object? value) =>
    [
        .. properties.Where(property => property.Name != name), new ResourcePropertySnapshot(name, value),
    ];

    [LoggerMessage(1, LogLevel.Information, "{Replica} leads")]
    private static partial void Leads(ILogger logger, string replica);
}

using KvCloud.Node.Cluster;
using KvCloud.Node.Configuration;
using KvCloud.Node.Replication;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace KvCloud.Node.Diagnostics;

/// <summary>Readiness: this replica knows a leader, is not behind, and agrees with its peers on the state.</summary>
internal sealed class ReplicaReadyCheck(ClusterFeeds feeds, ClusterManager cluster, ClusterOptions options)
    : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        ReplicaStatus status = feeds.Status();
        long lag = cluster.LagSlots;
        HealthVerdict verdict = HealthRules.JudgeSelf(
            feeds.NotMet(), status.Leader is not null, lag, options.MaxLagSlots, cluster.HasDiverged,
            dataTrouble: feeds.DataTrouble());
        Dictionary<string, object> details = new()
        {
            ["node_id"] = status.Self.Value,
            ["role"] = HealthNames.Of(status.Role),
            ["leader"] = status.Leader is { } leader ? cluster.ClientEndpointOf(leader) ?? leader.ToString() : "",
            ["term"] = status.Ballot.Round,
            ["applied_slot"] = status.AppliedSlot.Value,
            ["chosen_slot"] = status.ChosenSlot.Value,
            ["lag_slots"] = lag,
            ["version"] = feeds.Release.Program,
            ["wire_versions"] = $"{feeds.Release.MinWire}-{feeds.Release.MaxWire}",
            ["feature_level"] = status.FeatureLevel,
        };
        details["data"] = status.Data.ToString().ToLowerInvariant();
        if (feeds.Scrub() is { } scrub)
        {
            details["scrub_rounds"] = scrub.Rounds;
            details["scrub_done_bytes"] = scrub.DoneBytes;
            details["scrub_total_bytes"] = scrub.TotalBytes;
            details["scrub_unchecked_files"] = scrub.UncheckedFiles;
            if (scrub.LastRoundUnixMs is long endedMs)
            {
                details["scrub_last_round"] = DateTimeOffset.FromUnixTimeMilliseconds(endedMs).ToString("O");
            }
        }

        if (feeds.Snapshot() is { } snapshot)
        {
            details["snapshot_from"] = snapshot.From.Value;
            details["snapshot_done_bytes"] = snapshot.DoneBytes;
            details["snapshot_total_bytes"] = snapshot.TotalBytes;
        }

        string? replacement = feeds.Replacement();
        if (verdict.Health != NodeHealth.Healthy)
        {
            return Task.FromResult(HealthCheckResult.Unhealthy(replacement ?? verdict.Reason, data: details));
        }

        // A replica with a poor disk still answers reads and votes: no reason to take it out of service.
        return Task.FromResult(feeds.Disk().Trouble is string trouble
            ? HealthCheckResult.Degraded(trouble, data: details)
            : HealthCheckResult.Healthy(replacement ?? "knows a leader and is not behind", details));
    }
}

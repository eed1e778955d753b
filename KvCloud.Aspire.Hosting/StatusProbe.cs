using System.Text.Json;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.KvCloud;

/// <summary>Queries replicas over HTTP for their role and the leader.</summary>
internal sealed class StatusProbe(ReplicaHttp http)
{
    /// <summary>A replica on this machine answers in milliseconds unless it is paused or overwhelmed.</summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(1);

    /// <returns>The replica's report; without a role if it does not answer.</returns>
    public async Task<ReplicaStatus> AskAsync(KvCloudReplica replica, CancellationToken cancellationToken)
    {
        if (!replica.HttpEndpoint.IsAllocated)
        {
            return ReplicaStatus.Unknown;
        }

        try
        {
            using HttpResponseMessage answer = await http
                .GetAsync(replica, "/status", Timeout, cancellationToken).ConfigureAwait(false);
            answer.EnsureSuccessStatusCode();
            await using Stream body = await answer.Content
                .ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            using JsonDocument status =
                await JsonDocument.ParseAsync(body, default, cancellationToken).ConfigureAwait(false);
            return Read(status.RootElement, replica.Index);
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException or JsonException
            or KeyNotFoundException or InvalidOperationException)
        {
            return ReplicaStatus.Unknown;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return ReplicaStatus.Unknown;
        }
    }

    internal static ReplicaStatus Read(JsonElement status, int index)
    {
        JsonElement self = status.GetProperty("nodes").EnumerateArray()
            .FirstOrDefault(node => node.GetProperty("node_id").GetInt32() == index);
        return new ReplicaStatus(
            self.ValueKind == JsonValueKind.Object ? self.GetProperty("role").GetString() : null,
            status.TryGetProperty("leader_id", out JsonElement leader) ? leader.GetInt32() : null,
            status.GetProperty("process_id").GetInt32());
    }
}

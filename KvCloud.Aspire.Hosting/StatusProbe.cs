using System.Text.Json;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.KvCloud;

/// <summary>Queries replicas over HTTP for their role and the leader.</summary>
internal sealed class StatusProbe : IDisposable
{
    /// <summary>A replica on this machine answers in milliseconds unless it is paused or overwhelmed.</summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(1);

    // The replicas are on this machine; a proxy from the environment must not be used.
    private readonly HttpClient _client = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = Timeout };

    /// <returns>The replica's report; without a role if it does not answer.</returns>
    public async Task<ReplicaStatus> AskAsync(KvCloudReplica replica, CancellationToken cancellationToken)
    {
        if (!replica.HttpEndpoint.IsAllocated)
        {
            return ReplicaStatus.Unknown;
        }

        try
        {
            await using Stream body = await _client
                .GetStreamAsync(new Uri($"{replica.HttpEndpoint.Url}/status"), cancellationToken).ConfigureAwait(false);
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

    public void Dispose() => _client.Dispose();

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

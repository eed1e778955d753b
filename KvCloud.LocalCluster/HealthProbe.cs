using System.Net;
using System.Text.Json;

namespace KvCloud.LocalCluster;

/// <summary>Asks replicas over HTTP how they are.</summary>
internal sealed class HealthProbe : IDisposable
{
    private readonly HttpClient _client;

    public HealthProbe()
    {
        // Health is asked of this machine; a proxy from the environment has no business in between.
        var handler = new SocketsHttpHandler { UseProxy = false, PooledConnectionLifetime = TimeSpan.FromMinutes(1) };
        _client = new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(2) };
    }

    /// <summary>
    /// Whether it is ready: it answers /health with 200. A replica that does not answer in time is not.
    /// </summary>
    public async Task<bool> IsHealthyAsync(string host, Replica replica, CancellationToken cancellationToken)
    {
        try
        {
            using HttpResponseMessage answer = await _client
                .GetAsync(HealthOf(host, replica), cancellationToken).ConfigureAwait(false);
            return answer.StatusCode == HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>
    /// What the replica says its role is, among the details of its health checks; null when it does not say.
    /// </summary>
    public async Task<string?> RoleAsync(string host, Replica replica, CancellationToken cancellationToken)
    {
        try
        {
            // The body is the same whatever the status: a replica that is not ready has a role too.
            using HttpResponseMessage answer = await _client
                .GetAsync(HealthOf(host, replica), cancellationToken).ConfigureAwait(false);
            await using Stream body = await answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            using JsonDocument report = await JsonDocument
                .ParseAsync(body, default, cancellationToken).ConfigureAwait(false);
            return RoleIn(report.RootElement);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or JsonException)
        {
            return null;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    public void Dispose() => _client.Dispose();

    /// <summary>From the report that /health answers with: <c>checks.NAME.details.role</c>.</summary>
    internal static string? RoleIn(JsonElement report)
    {
        if (report.ValueKind != JsonValueKind.Object
            || !report.TryGetProperty("checks", out JsonElement checks)
            || checks.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        foreach (JsonProperty check in checks.EnumerateObject())
        {
            if (check.Value.ValueKind == JsonValueKind.Object
                && check.Value.TryGetProperty("details", out JsonElement details)
                && details.ValueKind == JsonValueKind.Object
                && details.TryGetProperty("role", out JsonElement role))
            {
                return role.ToString().ToLowerInvariant();
            }
        }

        return null;
    }

    private static Uri HealthOf(string host, Replica replica) =>
        new UriBuilder(Uri.UriSchemeHttp, host, replica.HttpPort, "/health").Uri;
}

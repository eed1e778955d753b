using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;

namespace KvCloud.LocalCluster;

/// <summary>Queries the health and role of replicas over HTTP, by TLS where they speak it.</summary>
internal sealed class HealthProbe : IDisposable
{
    private readonly HttpClient _client;
    private readonly LocalTls? _tls;

    /// <summary>Replicas that ask who calls have refused /status.</summary>
    private volatile bool _isStatusRefused;

    public HealthProbe(LocalTls? tls = null)
    {
        _tls = tls;
        // The replicas are on this machine; a proxy from the environment must not be used.
        var handler = new SocketsHttpHandler { UseProxy = false, PooledConnectionLifetime = TimeSpan.FromMinutes(1) };
        handler.SslOptions.RemoteCertificateValidationCallback = IsTrusted;
        _client = new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(2) };
    }

    /// <summary>Whether the replica is ready: it answers /health with 200 in time.</summary>
    public async Task<bool> IsHealthyAsync(string host, Replica replica, CancellationToken cancellationToken)
    {
        try
        {
            using HttpResponseMessage answer = await _client
                .GetAsync(At(host, replica, "/health"), cancellationToken).ConfigureAwait(false);
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

    /// <summary>The role the replica reports; null if it does not answer.</summary>
    public async Task<string?> RoleAsync(string host, Replica replica, CancellationToken cancellationToken)
    {
        try
        {
            // /status as long as it is open: a replica that is not ready logs each request of /health, and one that
            // asks who calls each request of /status.
            if (!_isStatusRefused)
            {
                string? role = await AskAsync(host, replica, "/status", RoleIn, cancellationToken)
                    .ConfigureAwait(false);
                if (!_isStatusRefused)
                {
                    return role;
                }
            }

            return await AskAsync(host, replica, "/health", RoleInHealth, cancellationToken).ConfigureAwait(false);
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

    /// <summary>Extracts from the answer of /health the role of the node; null if it is not there.</summary>
    internal static string? RoleInHealth(JsonElement health)
    {
        foreach (string name in (string[])["checks", "replica", "details", "role"])
        {
            if (health.ValueKind != JsonValueKind.Object || !health.TryGetProperty(name, out health))
            {
                return null;
            }
        }

        return health.ValueKind == JsonValueKind.String ? health.GetString() : null;
    }

    /// <summary>Extracts from the answer of /status the role of the node that <c>answered_by</c> names.</summary>
    internal static string? RoleIn(JsonElement status)
    {
        if (status.ValueKind != JsonValueKind.Object
            || !status.TryGetProperty("answered_by", out JsonElement self)
            || !status.TryGetProperty("nodes", out JsonElement nodes)
            || nodes.ValueKind != JsonValueKind.Array)
        {
            return null;
        }

        return nodes.EnumerateArray()
            .Where(node => node.GetProperty("node_id").GetInt32() == self.GetInt32())
            .Select(node => node.GetProperty("role").GetString())
            .FirstOrDefault();
    }

    private async Task<string?> AskAsync(
        string host, Replica replica, string path, Func<JsonElement, string?> role, CancellationToken cancellationToken)
    {
        using HttpResponseMessage answer = await _client
            .GetAsync(At(host, replica, path), cancellationToken).ConfigureAwait(false);
        if (answer.StatusCode is HttpStatusCode.Unauthorized)
        {
            _isStatusRefused = true;
            return null;
        }

        await using Stream body = await answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        using JsonDocument told = await JsonDocument
            .ParseAsync(body, default, cancellationToken).ConfigureAwait(false);
        return role(told.RootElement);
    }

    /// <summary>The CAs are read each time, since they may be replaced.</summary>
    private bool IsTrusted(object sender, X509Certificate? shown, X509Chain? chain, SslPolicyErrors errors)
    {
        if (_tls is null || shown is not X509Certificate2 certificate
            || errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
        {
            return false;
        }

        using var built = new X509Chain();
        built.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        built.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        built.ChainPolicy.DisableCertificateDownloads = true;
        built.ChainPolicy.CustomTrustStore.ImportFromPemFile(_tls.Ca);
        return built.Build(certificate);
    }

    private Uri At(string host, Replica replica, string path) => new UriBuilder(
        _tls is null ? Uri.UriSchemeHttp : Uri.UriSchemeHttps, host, replica.HttpPort, path).Uri;
}

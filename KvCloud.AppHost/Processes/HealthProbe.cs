using System.Net;

namespace KvCloud.AppHost.Processes;

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

    /// <summary>Whether it is ready: it answers /health with 200. A replica that does not answer in time is not.</summary>
    public async Task<bool> IsHealthyAsync(string host, Replica replica, CancellationToken cancellationToken)
    {
        try
        {
            using HttpResponseMessage answer = await _client.GetAsync(Address(host, replica, "/health"), cancellationToken)
                .ConfigureAwait(false);
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

    public void Dispose() => _client.Dispose();

    private static Uri Address(string host, Replica replica, string path) =>
        new UriBuilder(Uri.UriSchemeHttp, host, replica.HttpPort, path).Uri;
}

using System.Net.Http.Json;
using System.Text.Json;
using KvCloud.Bench.Load;

namespace KvCloud.Bench.Drivers;

/// <summary>Finds etcd's leader by querying each member through its JSON gateway.</summary>
internal sealed class EtcdLeaderFinder : ILeaderFinder
{
    private static readonly HttpClient Web = new() { Timeout = TimeSpan.FromSeconds(2) };

    public async Task<string?> FindLeaderAsync(IReadOnlyList<string> endpoints, CancellationToken cancellationToken)
    {
        foreach (string endpoint in endpoints)
        {
            try
            {
                using HttpResponseMessage answer = await Web.PostAsJsonAsync(
                    new Uri($"http://{endpoint}/v3/maintenance/status"), new object(),
                    cancellationToken).ConfigureAwait(false);
                answer.EnsureSuccessStatusCode();
                JsonElement status = await answer.Content
                    .ReadFromJsonAsync<JsonElement>(cancellationToken).ConfigureAwait(false);

                // The gateway's JSON has numbers as strings and omits the field if there is no leader.
                if (status.TryGetProperty("leader", out JsonElement leader)
                    && status.GetProperty("header").GetProperty("member_id").GetString() == leader.GetString())
                {
                    return endpoint;
                }
            }
            catch (Exception failure) when (
                !cancellationToken.IsCancellationRequested && failure is HttpRequestException or TaskCanceledException)
            {
                // A member that is down does not lead.
                continue;
            }
        }

        return null;
    }
}

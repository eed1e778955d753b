using System.Net;
using KvCloud.Node.Configuration;

namespace KvCloud.Node.Diagnostics;

/// <summary>
/// <c>--health</c>: requests /health from the node that runs with the same configuration. Serves as the health check of
/// a container whose image has neither a shell nor curl.
/// </summary>
internal static class HealthCommand
{
    /// <summary>Orchestrators check every few seconds and usually time out after five.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(4);

    /// <summary>Prints the answer, or why there is none, and returns the exit code.</summary>
    public static async Task<int> AskAsync(NodeTopology topology, TextWriter output)
    {
        Uri address = AddressOf(topology);

        // A proxy from the environment must not be used for a request to this machine.
        using var handler = new SocketsHttpHandler { UseProxy = false };
        using var client = new HttpClient(handler) { Timeout = Timeout };
        try
        {
            using HttpResponseMessage answer = await client.GetAsync(address).ConfigureAwait(false);
            await output.WriteLineAsync(await answer.Content.ReadAsStringAsync().ConfigureAwait(false))
                .ConfigureAwait(false);
            return answer.StatusCode == HttpStatusCode.OK ? ExitCodes.Clean : ExitCodes.Unhealthy;
        }
        catch (HttpRequestException exception)
        {
            return await ReportAsync(output, $"{address} does not answer: {exception.Message}").ConfigureAwait(false);
        }
        catch (TaskCanceledException)
        {
            return await ReportAsync(output, $"{address} does not answer within {Timeout.TotalSeconds} s")
                .ConfigureAwait(false);
        }
    }

    /// <summary>The node's HTTP address as seen from its own machine.</summary>
    internal static Uri AddressOf(NodeTopology topology)
    {
        string host = topology.ListenAddress switch
        {
            "*" or "localhost" or "0.0.0.0" or "::" => IPAddress.Loopback.ToString(),
            string address => address,
        };
        return new UriBuilder(Uri.UriSchemeHttp, host, topology.HttpPort, Extensions.HealthPath).Uri;
    }

    private static async Task<int> ReportAsync(TextWriter output, string sentence)
    {
        await output.WriteLineAsync(sentence).ConfigureAwait(false);
        return ExitCodes.Unhealthy;
    }
}

using System.Net;
using System.Security.Cryptography.X509Certificates;
using KvCloud.Node.Configuration;
using KvCloud.Node.Tls;

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
    /// <param name="tls">How the node speaks TLS; null if it does not.</param>
    public static async Task<int> AskAsync(NodeTopology topology, TlsOptions? tls, TextWriter output)
    {
        Uri address = AddressOf(topology, tls is { Http: true });

        // A proxy from the environment must not be used for a request to this machine.
        using var handler = new SocketsHttpHandler { UseProxy = false };
        if (tls is { Http: true })
        {
            // It is this machine that is asked, nothing secret is sent, and the certificate need not name 127.0.0.1.
            handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                certificate is X509Certificate2 shown
                && CertificateNames.Of(shown) is var names && (names.Count == 0 || names.Contains(tls.Node.Uri));
        }

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
            string reason = exception.InnerException?.Message ?? exception.Message;
            return await ReportAsync(output, $"{address} does not answer: {reason}").ConfigureAwait(false);
        }
        catch (TaskCanceledException)
        {
            return await ReportAsync(output, $"{address} does not answer within {Timeout.TotalSeconds} s")
                .ConfigureAwait(false);
        }
    }

    /// <summary>The node's HTTP address as seen from its own machine.</summary>
    internal static Uri AddressOf(NodeTopology topology, bool isTls = false)
    {
        string host = topology.ListenAddress switch
        {
            "*" or "localhost" or "0.0.0.0" or "::" => IPAddress.Loopback.ToString(),
            string address => address,
        };
        string scheme = isTls ? Uri.UriSchemeHttps : Uri.UriSchemeHttp;
        return new UriBuilder(scheme, host, topology.HttpPort, Extensions.HealthPath).Uri;
    }

    private static async Task<int> ReportAsync(TextWriter output, string sentence)
    {
        await output.WriteLineAsync(sentence).ConfigureAwait(false);
        return ExitCodes.Unhealthy;
    }
}

using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using KvCloud.Certificates;
using KvCloud.Client;

namespace KvCloud.Cli.Cluster;

/// <summary>
/// Asks nodes by HTTP, with the TLS and the login of the client's settings; a deadline for each question.
/// </summary>
internal sealed class NodeHttp : IDisposable
{
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(2);

    /// <summary>Of an answer; /metrics and /config have a tenth of it.</summary>
    private const int MostBytes = 16 * 1024 * 1024;

    private readonly HttpClient _http;
    private readonly X509Certificate2? _certificate;
    private readonly string _scheme;

    public NodeHttp(KvCloudClientSettings settings)
    {
        // A proxy of the environment is for the web, not for nodes.
        var handler = new SocketsHttpHandler { UseProxy = false, ConnectTimeout = Deadline };
        if (settings.TlsCa is { } authorities)
        {
            handler.SslOptions.CertificateChainPolicy = CertificateFile.Trusting(authorities);
        }

        if (settings is { TlsCertificate: { } certificate, TlsKey: { } key })
        {
            _certificate = X509Certificate2.CreateFromPemFile(certificate, key);
            handler.SslOptions.ClientCertificates = [_certificate];
        }

        bool isTls = settings.UseTls || settings.TlsCa is not null || settings.TlsCertificate is not null;
        _scheme = isTls ? Uri.UriSchemeHttps : Uri.UriSchemeHttp;
        _http = new HttpClient(handler) { Timeout = Deadline, MaxResponseContentBufferSize = MostBytes };
        _http.DefaultRequestHeaders.Authorization = LoginOf(settings);
    }

    /// <summary>For who reads the answers in a way of its own.</summary>
    public HttpClient Client => _http;

    /// <summary>Where a node answers at a path; null if nobody knows.</summary>
    public Uri? AddressOf(KvNodeStatus node, string path) =>
        node.HttpEndpoint is { Length: > 0 } endpoint
        && Uri.TryCreate($"{_scheme}://{endpoint}{path}", UriKind.Absolute, out Uri? address)
            ? address
            : null;

    /// <summary>The answer of a node at a path, or why there is none.</summary>
    public async Task<NodeAnswer> GetAsync(KvNodeStatus node, string path, CancellationToken cancellationToken)
    {
        if (AddressOf(node, path) is not { } address)
        {
            return new NodeAnswer(null, "nobody knows where its HTTP port is");
        }

        try
        {
            using HttpResponseMessage answer = await _http.GetAsync(address, cancellationToken);
            string body = await answer.Content.ReadAsStringAsync(cancellationToken);
            return answer.StatusCode switch
            {
                HttpStatusCode.OK => new NodeAnswer(body, null),
                HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => new NodeAnswer(
                    null, $"{address} wants an administrator's login: {body.Trim()}"),
                HttpStatusCode.NotFound => new NodeAnswer(null, $"its release does not answer at {path}"),
                _ => new NodeAnswer(null, $"{address} answers {(int)answer.StatusCode}"),
            };
        }
        catch (HttpRequestException exception)
        {
            return new NodeAnswer(null, $"{address}: {exception.InnerException?.Message ?? exception.Message}");
        }
        catch (TaskCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new NodeAnswer(null, $"{address} does not answer within {Deadline.TotalSeconds:0} s");
        }
    }

    public void Dispose()
    {
        _http.Dispose();
        _certificate?.Dispose();
    }

    private static AuthenticationHeaderValue? LoginOf(KvCloudClientSettings settings) => settings switch
    {
        { User: { } user } => new AuthenticationHeaderValue(
            "Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{settings.Password}"))),
        { Token: { } token } => new AuthenticationHeaderValue("Bearer", token),
        _ => null,
    };
}

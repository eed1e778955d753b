using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using KvCloud.Client;
using KvCloud.Client.Calls;
using KvCloud.Client.Connections;

namespace KvCloud.Monitoring;

/// <summary>
/// HTTP to the nodes, with the login of a client. Where the client speaks TLS, so does this, and believes the same
/// certificates.
/// </summary>
public sealed class NodeHttp : IDisposable
{
    private static readonly TimeSpan ConnectionLifetime = TimeSpan.FromMinutes(5);

    /// <summary>Of an answer; /metrics and /config have a tenth of it.</summary>
    private const int MaxAnswerBytes = 16 * 1024 * 1024;

    /// <param name="settings">Those of the client, with its connection string applied.</param>
    /// <param name="nodesSpeakTls">Whether the nodes' HTTP ports speak TLS; null: as their ports for clients.</param>
    /// <exception cref="ArgumentException">A setting of TLS is wrong; the message names it.</exception>
    public NodeHttp(KvCloudClientSettings settings, bool? nodesSpeakTls = null)
    {
        ClientTls? tls = nodesSpeakTls == false ? null : FrozenSettings.From(settings, null).Tls;
        if (nodesSpeakTls == true && tls is null)
        {
            throw new ArgumentException(
                "the nodes' HTTP ports are to speak TLS, and the connection has nothing of it: set TlsCa or UseTls",
                nameof(settings));
        }

        Scheme = tls is null ? Uri.UriSchemeHttp : Uri.UriSchemeHttps;

        // The nodes are called by the addresses they give; a proxy from the environment must not be used.
        var handler = new SocketsHttpHandler { PooledConnectionLifetime = ConnectionLifetime, UseProxy = false };
        if (tls is not null)
        {
            handler.ConnectCallback = (context, cancellationToken) => ConnectAsync(context, tls, cancellationToken);
        }

        Http = new HttpClient(handler) { MaxResponseContentBufferSize = MaxAnswerBytes };
        Http.DefaultRequestHeaders.Authorization = LoginOf(settings);
    }

    /// <summary>http or https: how a browser would reach the nodes.</summary>
    public string Scheme { get; }

    /// <summary>Asks nodes at <see cref="AddressOf"/>; each question has its own deadline.</summary>
    public HttpClient Http { get; }

    /// <summary>Where <see cref="Http"/> finds a node.</summary>
    /// <param name="endpoint">The node's HTTP port, <c>host:port</c>.</param>
    public static Uri AddressOf(string endpoint) =>
        // The connection itself speaks TLS, see ConnectAsync: to the client above it is one in clear text.
        new($"http://{endpoint}");

    public void Dispose() => Http.Dispose();

    private static async ValueTask<Stream> ConnectAsync(
        SocketsHttpConnectionContext context, ClientTls tls, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(context.DnsEndPoint, cancellationToken).ConfigureAwait(false);
            var stream = new NetworkStream(socket, ownsSocket: true);
            return await tls.AuthenticateAsync(stream, context.DnsEndPoint.Host, cancellationToken)
                .ConfigureAwait(false);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static AuthenticationHeaderValue? LoginOf(KvCloudClientSettings settings) => settings switch
    {
        { User.Length: > 0 } => new AuthenticationHeaderValue(
            "Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{settings.User}:{settings.Password}"))),
        { Token.Length: > 0 } => new AuthenticationHeaderValue("Bearer", settings.Token),
        { AuthToken.Length: > 0 } => new AuthenticationHeaderValue("Bearer", settings.AuthToken),
        _ => null,
    };
}

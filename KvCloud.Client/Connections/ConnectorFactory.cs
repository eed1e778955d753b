using System.Net.Security;
using System.Net.Sockets;

namespace KvCloud.Client.Connections;

/// <summary>Opens connections: TCP, with TLS on top if the settings ask for it.</summary>
internal sealed class ConnectorFactory(
    ConnectorOptions options, TimeSpan connectTimeout, SslClientAuthenticationOptions? tls)
{
    private const int KeepAliveSeconds = 15;
    private const int KeepAliveProbes = 3;

    /// <summary>The clock of the connections it opens.</summary>
    public TimeProvider Time => options.Time;

    /// <exception cref="IOException">The connection could not be opened; the message says why.</exception>
    public async Task<Connector> OpenAsync(string host, int port, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(connectTimeout, options.Time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Stream? stream = null;
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, KeepAliveSeconds);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, KeepAliveSeconds);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, KeepAliveProbes);
            await socket.ConnectAsync(host, port, limit.Token).ConfigureAwait(false);
            stream = new NetworkStream(socket, ownsSocket: true);
            if (tls is not null)
            {
                stream = await AuthenticateAsync(stream, host, limit.Token).ConfigureAwait(false);
            }

            return new Connector(stream, options);
        }
        catch (Exception exception)
        {
            if (stream is not null)
            {
                await stream.DisposeAsync().ConfigureAwait(false);
            }

            socket.Dispose();
            if (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested)
            {
                throw new IOException($"no connection within {connectTimeout.TotalMilliseconds:0} ms", exception);
            }

            if (exception is SocketException or System.Security.Authentication.AuthenticationException)
            {
                throw new IOException(exception.Message, exception);
            }

            throw;
        }
    }

    private async Task<Stream> AuthenticateAsync(Stream plain, string host, CancellationToken cancellationToken)
    {
        var secure = new SslStream(plain, leaveInnerStreamOpen: false);
        try
        {
            await secure.AuthenticateAsClientAsync(OptionsFor(host), cancellationToken).ConfigureAwait(false);
            return secure;
        }
        catch
        {
            await secure.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>The target host differs from node to node unless the settings name one for all.</summary>
    private SslClientAuthenticationOptions OptionsFor(string host) => new()
    {
        TargetHost = tls!.TargetHost ?? host,
        ClientCertificates = tls.ClientCertificates,
        ClientCertificateContext = tls.ClientCertificateContext,
        LocalCertificateSelectionCallback = tls.LocalCertificateSelectionCallback,
        RemoteCertificateValidationCallback = tls.RemoteCertificateValidationCallback,
        CertificateChainPolicy = tls.CertificateChainPolicy,
        CertificateRevocationCheckMode = tls.CertificateRevocationCheckMode,
        EnabledSslProtocols = tls.EnabledSslProtocols,
        EncryptionPolicy = tls.EncryptionPolicy,
        CipherSuitesPolicy = tls.CipherSuitesPolicy,
        ApplicationProtocols = tls.ApplicationProtocols,
        AllowRenegotiation = tls.AllowRenegotiation,
        AllowTlsResume = tls.AllowTlsResume,
    };
}

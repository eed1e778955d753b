using System.Net.Sockets;

namespace KvCloud.Client.Connections;

/// <summary>Opens connections: TCP, with TLS on top if the settings ask for it.</summary>
internal sealed class ConnectorFactory(
    ConnectorOptions options, TimeSpan connectTimeout, ClientTls? tls, Credentials? credentials = null)
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
                stream = await tls.AuthenticateAsync(stream, host, limit.Token).ConfigureAwait(false);
            }

            var connector = new Connector(stream, options);
            if (credentials is not null)
            {
                // Where it is refused the connection stays: calls that need no login go on, the others hear why.
                connector.Login = new ConnectionLogin(credentials, connectTimeout, options.Time);
                await connector.Login.RunAsync(connector, seen: 0, cancellationToken).ConfigureAwait(false);
                if (connector.Login.IsUnanswered)
                {
                    // Calls behind it would wait as well.
                    await connector.DisposeAsync().ConfigureAwait(false);
                    throw new IOException(connector.Login.Error);
                }
            }

            return connector;
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

            if (exception is SocketException)
            {
                throw new IOException(exception.Message, exception);
            }

            throw;
        }
    }
}

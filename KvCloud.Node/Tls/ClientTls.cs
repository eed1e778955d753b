using System.IO.Pipelines;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace KvCloud.Node.Tls;

/// <summary>TLS on the clients' port, where it is not off.</summary>
internal sealed class ClientTls(CertificateStore store, TlsMetrics metrics, TimeProvider time)
{
    /// <summary>The first byte of a TLS connection. No message of the contract begins with it.</summary>
    public const byte HandshakeRecord = 0x16;

    private const int ReadBytes = 16 * 1024;

    /// <summary>
    /// A TLS alert, "unexpected message": what a client hears that speaks clear text to a port that does not. It reads
    /// as a length of 352 MB, and clients of this product know it.
    /// </summary>
    private static readonly byte[] Alert = [0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x0A];

    private static readonly TimeSpan CloseTime = TimeSpan.FromSeconds(1);

    private readonly PendingHandshakes _pending = new(store.Options.MaxHandshakes);

    /// <summary>Handshakes in progress.</summary>
    public int PendingHandshakes => _pending.Count;

    /// <summary>
    /// Serves a connection that has just been accepted, once its handshake is done, or as it is if it speaks clear text
    /// and may.
    /// </summary>
    /// <param name="serve">Runs to the connection's end.</param>
    /// <exception cref="TlsRefusedException">It is refused, or did not get that far; the message says why.</exception>
    public async Task ServeAsync(ConnectionContext connection, Func<Task> serve)
    {
        if (store.Options.Clients == TlsMode.Optional && await FirstByteAsync(connection, default) != HandshakeRecord)
        {
            await serve();
            return;
        }

        Socket socket = connection.Features.Get<IConnectionSocketFeature>()?.Socket
            ?? throw new InvalidOperationException("the clients' port needs Kestrel's socket transport");
        await using var stream = new SslStream(new SocketPipeStream(connection.Transport.Input, socket));
        try
        {
            if (!await HandshakeAsync(connection, socket, stream))
            {
                return;
            }
        }
        catch (TlsRefusedException)
        {
            await LetAlertArriveAsync(connection.Transport.Input, socket);
            throw;
        }

        var features = new SecuredFeatures(stream);
        connection.Features.Set<ISecuredStreamFeature>(features);
        connection.Features.Set<ITlsConnectionFeature>(features);
        IDuplexPipe plain = connection.Transport;
        var reader = PipeReader.Create(
            stream, new StreamPipeReaderOptions(bufferSize: ReadBytes, leaveOpen: true, useZeroByteReads: true));
        connection.Transport = new SecuredPipe(reader, plain.Output);
        try
        {
            await serve();
            await CloseAsync(stream);
        }
        finally
        {
            connection.Transport = plain;
            await reader.CompleteAsync();
        }
    }

    /// <summary>What a connection over HTTP is held to, with the certificates of this moment.</summary>
    public static SslServerAuthenticationOptions ServerOptions(
        CertificateStore store, Action<string>? onObjection = null)
    {
        CertificateSet set = store.Current;
        var options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = set.Context,
            EnabledSslProtocols = store.Options.Protocols,
            AllowRenegotiation = false,
            AllowTlsResume = false,
        };
        if (set.Roots is not null)
        {
            options.ClientCertificateRequired = true;
            options.CertificateChainPolicy = CertificateChecks.PolicyOf(set.Roots, store.Now);
            options.RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
            {
                // A client may have none: what it may do then is another question.
                string? objection = certificate is null
                    ? null
                    : WhyNotClient(store, (X509Certificate2)certificate, chain, errors);
                if (objection is not null)
                {
                    onObjection?.Invoke(objection);
                }

                return objection is null;
            };
        }

        return options;
    }

    private static string? WhyNotClient(
        CertificateStore store, X509Certificate2 certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        string? objection = CertificateChecks.WhyNotTrusted(certificate, chain, errors);
        IReadOnlyList<string> names = CertificateNames.Of(certificate);
        return objection is not null || names.Count == 0 || names.Any(store.Options.Node.IsOfCluster)
            ? objection
            : $"its certificate, of {CertificateNames.Describe(certificate)}, is of another cluster than"
                + $" {store.Options.Node.ClusterId}";
    }

    /// <summary>The first byte, which is left where it is; null if the connection ended before it.</summary>
    private static async ValueTask<byte?> FirstByteAsync(ConnectionContext connection, CancellationToken limit)
    {
        PipeReader input = connection.Transport.Input;
        ReadResult read = await input.ReadAsync(limit);
        byte? first = read.Buffer.IsEmpty ? null : read.Buffer.FirstSpan[0];
        input.AdvanceTo(read.Buffer.Start, read.Buffer.Start);
        return first;
    }

    /// <summary>False when the connection ended before its first byte, as those of probes do.</summary>
    private async Task<bool> HandshakeAsync(ConnectionContext connection, Socket socket, SslStream stream)
    {
        using var limit = new CancellationTokenSource(store.Options.HandshakeTimeout, time);
        string? objection = null;
        _pending.Enter(limit);
        try
        {
            if (await FirstByteAsync(connection, limit.Token) is not byte first)
            {
                return false;
            }

            if (first != HandshakeRecord)
            {
                await socket.SendAsync(Alert, SocketFlags.None, limit.Token);
                metrics.Refused(TlsMetrics.ClientsPort);
                throw new TlsRefusedException(
                    TlsRefusal.ClearText, "it speaks clear text, and this port demands TLS (tls.clients)");
            }

            await stream.AuthenticateAsServerAsync(ServerOptions(store, why => objection = why), limit.Token);
            metrics.Done(TlsMetrics.ClientsPort, stream.SslProtocol);
            return true;
        }
        catch (AuthenticationException) when (objection is not null)
        {
            metrics.Refused(TlsMetrics.ClientsPort);
            throw new TlsRefusedException(TlsRefusal.Certificate, objection);
        }
        catch (Exception error) when (
            error is AuthenticationException or IOException or SocketException or OperationCanceledException)
        {
            metrics.Failed(TlsMetrics.ClientsPort);
            throw new TlsRefusedException(
                TlsRefusal.Handshake, $"the TLS handshake failed: {Reason(error)}", error);
        }
        finally
        {
            _pending.Leave(limit);
        }
    }

    /// <summary>
    /// A close with bytes unread resets the connection, and a client that has sent its first call already would not
    /// hear why.
    /// </summary>
    private async Task LetAlertArriveAsync(PipeReader input, Socket socket)
    {
        using var limit = new CancellationTokenSource(CloseTime, time);
        try
        {
            socket.Shutdown(SocketShutdown.Send);
            while (true)
            {
                ReadResult rest = await input.ReadAsync(limit.Token);
                input.AdvanceTo(rest.Buffer.End);
                if (rest.IsCompleted)
                {
                    return;
                }
            }
        }
        catch (Exception error) when (error is IOException or SocketException or OperationCanceledException
            or ObjectDisposedException)
        {
            // Gone, or too slow.
        }
    }

    private string Reason(Exception error) => error is OperationCanceledException
        ? $"it was not done within {store.Options.HandshakeTimeout.TotalMilliseconds} ms, or made room for newer ones"
        : error.InnerException?.Message ?? error.Message;

    /// <summary>Tells the client that this is the end and not a cut connection.</summary>
    private async Task CloseAsync(SslStream stream)
    {
        try
        {
            await stream.ShutdownAsync().WaitAsync(CloseTime, time);
        }
        catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException
            or InvalidOperationException or TimeoutException or OperationCanceledException)
        {
            // It is gone already.
        }
    }

    private sealed class SecuredPipe(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => output;
    }
}

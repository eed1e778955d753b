using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using KvCloud.Node.Tls;
using Microsoft.Extensions.Logging;

namespace KvCloud.Node.Transport;

/// <summary>
/// Maintains the connection to one peer: resolves its address, connects, speaks TLS where it is on, performs the
/// handshake, hands the channel and the session to the sender, waits for the end, and starts again after the pause set
/// by <see cref="ReconnectBackoff"/>.
/// </summary>
internal sealed class PeerConnector(
    Peer peer,
    PeerSender sender,
    PeerGate gate,
    Func<int, CancellationToken, ValueTask<EndPoint>> resolve,
    TransportOptions options,
    PeerTls? tls,
    LogThrottle throttle,
    ILogger logger) : IDisposable
{
    private readonly ReconnectBackoff _backoff = new(options);
    private readonly SemaphoreSlim _peerIsUp = new(0, 1);
    private readonly Lock _wakeLock = new();

    /// <summary>
    /// The peer has just connected to this node, so there is no point in waiting before the next attempt.
    /// </summary>
    public void PeerIsUp()
    {
        lock (_wakeLock)
        {
            if (_peerIsUp.CurrentCount == 0 && !peer.IsConnected)
            {
                _peerIsUp.Release();
            }
        }
    }

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            ConnectOutcome outcome = await TryAsync(stop);
            double pauseMs = _backoff.NextPauseMs(outcome, Random.Shared.NextDouble());
            if (pauseMs == 0 || stop.IsCancellationRequested)
            {
                continue;
            }

            using var pause = new CancellationTokenSource(TimeSpan.FromMilliseconds(pauseMs), options.Time);
            using var end = CancellationTokenSource.CreateLinkedTokenSource(stop, pause.Token);
            try
            {
                await _peerIsUp.WaitAsync(end.Token);
            }
            catch (OperationCanceledException)
            {
                // The pause is over, or the loop ends.
            }
        }
    }

    public void Dispose() => _peerIsUp.Dispose();

    private async Task<ConnectOutcome> TryAsync(CancellationToken stop)
    {
        string endpoint = "an endpoint not found yet";
        try
        {
            using var limit = new CancellationTokenSource(
                TimeSpan.FromMilliseconds(options.ConnectTimeoutMs), options.Time);
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stop, limit.Token);
            EndPoint target = await resolve(peer.Id.Value, deadline.Token);
            endpoint = PeerSocket.Describe(target);
            peer.Resolving(endpoint);
            using PeerCall call = new(options.Time);
            PeerChannel channel = await OpenAsync(call, target, limit, deadline.Token);
            var session = new OutboundSession(gate, peer, options, _backoff.GreetsInSingleForm);
            await GreetAsync(session, channel, deadline.Token);
            switch (session.End)
            {
                case SessionEnd.None:
                    return await ServeAsync(session, channel, endpoint, stop);
                case SessionEnd.RejectedHere or SessionEnd.RejectedByPeer:
                    ReportRejected(endpoint, session.EndReason);
                    await AnswerAsync(session, channel, deadline.Token);
                    return ConnectOutcome.Refused;
                case SessionEnd.Closed when session.MustGreetInSingleForm:
                    return ConnectOutcome.GreetAnew;
                default:
                    ReportUnreachable(endpoint, session.EndReason);
                    return ConnectOutcome.Failed;
            }
        }
        catch (TlsRefusedException refusal)
        {
            peer.OutboundRejected(refusal.Message);
            ReportRejected(endpoint, refusal.Message);
            return ConnectOutcome.Refused;
        }
        catch (Exception error)
        {
            if (!stop.IsCancellationRequested)
            {
                ReportUnreachable(endpoint, error is OperationCanceledException ? "timed out" : WordsOf(error));
            }

            return ConnectOutcome.Failed;
        }
    }

    /// <summary>Connects and speaks TLS, unless it is off, or optional and the peer does not.</summary>
    private async Task<PeerChannel> OpenAsync(
        PeerCall call, EndPoint target, CancellationTokenSource limit, CancellationToken deadline)
    {
        await ConnectAsync(call, target, limit, deadline);
        if (tls is null)
        {
            return call.SpeakClearText();
        }

        try
        {
            TlsChannel secured = call.SpeakTls();
            await secured.CallAsync(tls, peer.Id.Value, deadline);
            return secured;
        }
        catch (Exception error) when (error is IOException or SocketException && tls.Mode == TlsMode.Optional)
        {
            // So a peer ends it that speaks clear text only, and it may.
            await ConnectAsync(call, target, limit, deadline);
            return call.SpeakClearText();
        }
    }

    private async Task ConnectAsync(
        PeerCall call, EndPoint target, CancellationTokenSource limit, CancellationToken deadline)
    {
        limit.CancelAfter(options.ConnectTimeoutMs);
        Socket socket = call.NewSocket(target);
        PeerSocket.Configure(socket, options.PeerTimeoutMs);
        await socket.ConnectAsync(target, deadline);
        limit.CancelAfter(options.HandshakeTimeoutMs);
    }

    private static string WordsOf(Exception error) => error is AuthenticationException
        ? $"the TLS handshake failed: {error.InnerException?.Message ?? error.Message}"
        : error.Message;

    private void ReportRejected(string endpoint, string reason)
    {
        if (throttle.Allows($"outbound {peer.Id} {reason}"))
        {
            TransportLog.OutboundRejected(logger, peer.Id, endpoint, reason);
        }
    }

    private void ReportUnreachable(string endpoint, string reason)
    {
        if (throttle.Allows($"reaching {peer.Id} {endpoint} {reason}"))
        {
            TransportLog.Unreachable(logger, peer.Id, endpoint, reason);
        }
    }

    private static async Task GreetAsync(
        OutboundSession session, PeerChannel channel, CancellationToken cancellationToken)
    {
        await channel.SendAsync(session.Hello, cancellationToken);
        while (session.Phase == SessionPhase.Handshake)
        {
            int count = await channel.ReceiveAsync(session.Free(), cancellationToken);
            if (count == 0)
            {
                throw new EndOfStreamException("the other side closed the connection during the handshake");
            }

            session.Advance(count);
        }
    }

    private static async Task AnswerAsync(
        OutboundSession session, PeerChannel channel, CancellationToken cancellationToken)
    {
        if (session.Answer is not byte[] answer)
        {
            return;
        }

        try
        {
            await channel.SendAsync(answer, cancellationToken);
            channel.Socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception error) when (error is SocketException or IOException or OperationCanceledException)
        {
            // The refused peer may already be gone; the reason is in this node's own log.
        }
    }

    private async Task<ConnectOutcome> ServeAsync(
        OutboundSession session, PeerChannel channel, string endpoint, CancellationToken stop)
    {
        long sinceMs = options.Time.NowMs();
        string reason = "this node gave it up";
        try
        {
            channel.Socket.Blocking = false;
            (channel as TlsChannel)?.HoldWrites();
            sender.Attach(session, channel);
            TransportLog.Connected(logger, peer.Id, endpoint);
            int count = await channel.ReceiveAsync(new byte[1], stop);
            reason = count == 0 ? "the peer closed it" : OutboundSession.PeerSpoke;
        }
        catch (Exception error) when (error is SocketException or EndOfStreamException)
        {
            reason = error.Message;
        }
        catch (ObjectDisposedException)
        {
            reason = "sending failed";
        }
        catch (OperationCanceledException)
        {
            reason = "this node is stopping";
        }
        finally
        {
            sender.Detach(session, reason);
        }

        TransportLog.Disconnected(logger, peer.Id, reason);
        return _backoff.OutcomeOf(options.Time.NowMs() - sinceMs);
    }
}

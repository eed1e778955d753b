using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace KvCloud.Node.Transport;

/// <summary>
/// Maintains the connection to one peer: resolves its address, connects, performs the handshake, hands the socket and
/// the session to the sender, waits for the end, and starts again after the pause set by
/// <see cref="ReconnectBackoff"/>.
/// </summary>
internal sealed class PeerConnector(
    Peer peer,
    PeerSender sender,
    PeerGate gate,
    Func<int, CancellationToken, ValueTask<EndPoint>> resolve,
    TransportOptions options,
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
            using Socket socket = PeerSocket.Create(target);
            PeerSocket.Configure(socket, options.PeerTimeoutMs);
            await socket.ConnectAsync(target, deadline.Token);
            limit.CancelAfter(options.HandshakeTimeoutMs);
            var session = new OutboundSession(gate, peer, options, _backoff.GreetsInSingleForm);
            await GreetAsync(session, socket, deadline.Token);
            switch (session.End)
            {
                case SessionEnd.None:
                    return await ServeAsync(session, socket, endpoint, stop);
                case SessionEnd.RejectedHere or SessionEnd.RejectedByPeer:
                    ReportRejected(endpoint, session.EndReason);
                    await AnswerAsync(session, socket, deadline.Token);
                    return ConnectOutcome.Refused;
                case SessionEnd.Closed when session.MustGreetInSingleForm:
                    return ConnectOutcome.GreetAnew;
                default:
                    ReportUnreachable(endpoint, session.EndReason);
                    return ConnectOutcome.Failed;
            }
        }
        catch (Exception error)
        {
            if (!stop.IsCancellationRequested)
            {
                ReportUnreachable(endpoint, error is OperationCanceledException ? "timed out" : error.Message);
            }

            return ConnectOutcome.Failed;
        }
    }

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

    private static async Task GreetAsync(OutboundSession session, Socket socket, CancellationToken cancellationToken)
    {
        await SendAllAsync(socket, session.Hello, cancellationToken);
        while (session.Phase == SessionPhase.Handshake)
        {
            int count = await socket.ReceiveAsync(session.Free(), cancellationToken);
            if (count == 0)
            {
                throw new EndOfStreamException("the other side closed the connection during the handshake");
            }

            session.Advance(count);
        }
    }

    private static async Task AnswerAsync(OutboundSession session, Socket socket, CancellationToken cancellationToken)
    {
        if (session.Answer is not byte[] answer)
        {
            return;
        }

        try
        {
            await SendAllAsync(socket, answer, cancellationToken);
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException)
        {
            // The refused peer may already be gone; the reason is in this node's own log.
        }
    }

    private async Task<ConnectOutcome> ServeAsync(
        OutboundSession session, Socket socket, string endpoint, CancellationToken stop)
    {
        long sinceMs = options.Time.NowMs();
        string reason = "this node gave it up";
        try
        {
            socket.Blocking = false;
            sender.Attach(session, socket);
            TransportLog.Connected(logger, peer.Id, endpoint);
            int count = await socket.ReceiveAsync(new byte[1], stop);
            reason = count == 0 ? "the peer closed it" : OutboundSession.PeerSpoke;
        }
        catch (SocketException error)
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

    private static async Task SendAllAsync(
        Socket socket, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (bytes.Length > 0)
        {
            bytes = bytes[await socket.SendAsync(bytes, cancellationToken)..];
        }
    }
}

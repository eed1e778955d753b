using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace KvCloud.Node.Transport;

/// <summary>
/// Keeps a connection to one peer: looks it up anew, connects, greets, hands the socket to the sender, waits for its
/// end, and begins again, at once when the connection had been good, else after a pause that grows and is drawn at
/// random so that nodes which start together do not call each other in step.
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
    /// <summary>The pause grows up to so many times the longest after a failure.</summary>
    private const int MaxRefusedDelays = 10;

    private readonly SemaphoreSlim _peerIsUp = new(0, 1);
    private readonly Lock _wakeLock = new();

    /// <summary>The peer has just called us, so there is no sense in waiting longer before we call it.</summary>
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
        int failures = 0;
        while (!stop.IsCancellationRequested)
        {
            Attempt attempt = await TryAsync(stop);
            failures = attempt == Attempt.Lasted ? 0 : failures + 1;
            if (failures == 0 || stop.IsCancellationRequested)
            {
                continue;
            }

            try
            {
                await _peerIsUp.WaitAsync(Pause(attempt, failures), stop);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    public void Dispose() => _peerIsUp.Dispose();

    private TimeSpan Pause(Attempt attempt, int failures)
    {
        // A refusal does not heal by itself: asking often would be of no use. A peer that was started anew calls, and is called
        // back at once.
        double ceilingMs = attempt == Attempt.Refused
            ? (double)options.MaxReconnectDelayMs * Math.Min(failures, MaxRefusedDelays)
            : Math.Min(
                options.MaxReconnectDelayMs, options.MinReconnectDelayMs * Math.Pow(2, Math.Min(failures - 1, 16)));
        return TimeSpan.FromMilliseconds(ceilingMs * (0.5 + (Random.Shared.NextDouble() / 2)));
    }

    private async Task<Attempt> TryAsync(CancellationToken stop)
    {
        string endpoint = "an endpoint not found yet";
        try
        {
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stop);
            deadline.CancelAfter(options.ConnectTimeoutMs);
            EndPoint target = await resolve(peer.Id.Value, deadline.Token);
            endpoint = PeerSocket.Describe(target);
            peer.Looking(endpoint);
            using Socket socket = PeerSocket.Create(target);
            PeerSocket.Configure(socket, options.PeerTimeoutMs);
            await socket.ConnectAsync(target, deadline.Token);
            deadline.CancelAfter(options.HandshakeTimeoutMs);
            PeerIdentity identity = await GreetAsync(socket, deadline.Token);
            return await ServeAsync(socket, identity, endpoint, stop);
        }
        catch (HandshakeRefusedException error)
        {
            peer.RefusedWhenCalling(error.Message);
            if (throttle.Allows($"calling {peer.Id} {error.Message}"))
            {
                TransportLog.RefusedWhenCalling(logger, peer.Id, endpoint, error.Message);
            }

            return Attempt.Refused;
        }
        catch (Exception error)
        {
            if (!stop.IsCancellationRequested)
            {
                ReportUnreachable(endpoint, error is OperationCanceledException ? "timed out" : error.Message);
            }

            return Attempt.Failed;
        }
    }

    private void ReportUnreachable(string endpoint, string reason)
    {
        if (throttle.Allows($"reaching {peer.Id} {endpoint} {reason}"))
        {
            TransportLog.Unreachable(logger, peer.Id, endpoint, reason);
        }
    }

    private async Task<PeerIdentity> GreetAsync(Socket socket, CancellationToken cancellationToken)
    {
        await SendAllAsync(socket, Handshake.EncodeHello(gate.Self, peer.Id.Value), cancellationToken);
        PeerIdentity identity = Handshake.DecodeAnswer(
            await PeerSocket.ReceiveHandshakeAsync(socket, cancellationToken));
        try
        {
            gate.AdmitAnswerer(identity, peer.Id.Value);
        }
        catch (HandshakeRefusedException refusal)
        {
            // Told in the version of messages, for that is what the other side reads after its Welcome.
            byte[] frame = Handshake.EncodeRefusal(refusal.Message, ConsensusCodec.Version);
            await SendAllAsync(socket, frame, cancellationToken);
            socket.Shutdown(SocketShutdown.Send);
            throw;
        }

        return identity;
    }

    private async Task<Attempt> ServeAsync(
        Socket socket, PeerIdentity identity, string endpoint, CancellationToken stop)
    {
        long since = Environment.TickCount64;
        socket.Blocking = false;
        peer.Connected(identity);
        sender.Attach(socket);
        TransportLog.Connected(logger, peer.Id, endpoint);
        string reason;
        try
        {
            // Nothing ever arrives on this connection but its end, or a late refusal.
            int count = await socket.ReceiveAsync(new byte[1], stop);
            reason = count == 0 ? "the peer closed it" : "the peer spoke where only we speak";
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
            reason = "this node stops";
        }
        finally
        {
            sender.Detach(socket);
            peer.Disconnected();
        }

        TransportLog.Disconnected(logger, peer.Id, reason);
        return Environment.TickCount64 - since >= options.MaxReconnectDelayMs ? Attempt.Lasted : Attempt.Failed;
    }

    private static async Task SendAllAsync(
        Socket socket, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (bytes.Length > 0)
        {
            bytes = bytes[await socket.SendAsync(bytes, cancellationToken)..];
        }
    }

    private enum Attempt
    {
        Failed = 0,
        Refused = 1,
        Lasted = 2,
    }
}

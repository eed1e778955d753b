namespace KvCloud.Tests.Simulation;

/// <summary>
/// A simulated TCP connection: two sockets, a stream in each direction, and the ways in which it can end.
/// </summary>
internal sealed class SimConnection
{
    private const int MaxNoticeUs = 50_000;

    private readonly int _peerTimeoutMs;
    private bool _isReachable = true;
    private int _epoch;

    /// <param name="peerTimeoutMs">An end that gets no acknowledgement for so long gives up.</param>
    public SimConnection(SimByteNetwork network, int client, int server, int peerTimeoutMs)
    {
        Network = network;
        _peerTimeoutMs = peerTimeoutMs;
        Client = new SimSocket(this, client);
        Server = new SimSocket(this, server);
        var forth = new SimByteStream(network, Client, Server);
        var back = new SimByteStream(network, Server, Client);
        (Client.Other, Client.Out, Client.In) = (Server, forth, back);
        (Server.Other, Server.Out, Server.In) = (Client, back, forth);
    }

    public SimByteNetwork Network { get; }

    public SimSocket Client { get; }

    public SimSocket Server { get; }

    public bool IsCorrupted => Client.Out.IsCorrupted || Client.In.IsCorrupted;

    public bool Joins(int host) => Client.Host == host || Server.Host == host;

    /// <summary>Paths or hosts went or came.</summary>
    public void PathChanged()
    {
        Client.Out.PathChanged();
        Client.In.PathChanged();
        bool isReachable =
            Network.IsReachable(Client.Host, Server.Host) && Network.IsReachable(Server.Host, Client.Host);
        if (isReachable != _isReachable)
        {
            _isReachable = isReachable;
            _epoch++;
            if (!isReachable)
            {
                TimeOutLater(Client);
                TimeOutLater(Server);
            }
        }

        if (isReachable && Client.IsConnected != Server.IsConnected)
        {
            // The next retransmission or probe meets a machine that does not know the connection.
            SimSocket survivor = Client.IsConnected ? Client : Server;
            Network.After(Network.Random.Next(1 + (_peerTimeoutMs * 1_000 / 3)), () => Network.ResetLater(survivor));
        }
    }

    /// <summary>
    /// Something between the ends loses the connection, in the middle of a frame as likely as not. One end may notice
    /// much later than the other.
    /// </summary>
    public void Break()
    {
        Client.Out.CutOff(isSenderGone: true);
        Client.In.CutOff(isSenderGone: true);
        bool isClientFirst = Network.Random.Chance(500);
        int lateUs = Network.Random.Chance(500) ? MaxNoticeUs : _peerTimeoutMs * 1_000;
        FailLater(isClientFirst ? Client : Server, Network.Random.Next(MaxNoticeUs));
        FailLater(isClientFirst ? Server : Client, Network.Random.Next(lateUs));
    }

    public void EndReleased()
    {
        if (!Client.IsOpen && !Server.IsOpen)
        {
            Network.Forget(this);
        }
    }

    private void FailLater(SimSocket end, long delayUs) =>
        Network.After(delayUs, () => end.Fail("connection reset by peer"));

    private void TimeOutLater(SimSocket end)
    {
        int epoch = _epoch;
        long delayUs = (long)_peerTimeoutMs * (1_000 + Network.Random.Next(400));
        Network.After(delayUs, () =>
        {
            if (epoch == _epoch && end.IsOpen)
            {
                end.Fail("connection timed out");
                Network.ResetLater(end.Other);
            }
        });
    }
}

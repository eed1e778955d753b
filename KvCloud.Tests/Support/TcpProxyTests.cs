using System.Net;
using System.Net.Sockets;

namespace KvCloud.Tests.Support;

/// <summary>The tool must do what live tests rely on it to do.</summary>
public sealed class TcpProxyTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task TcpProxy_forwards_both_ways_and_the_end()
    {
        await using var rig = new Rig();
        (TcpClient caller, TcpClient target) = await rig.ConnectAsync();
        await EchoAsync(caller, target, 1);
        await EchoAsync(target, caller, 2);
        caller.Client.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, await target.GetStream().ReadAsync(new byte[1]).AsTask().WaitAsync(Limit));
        caller.Dispose();
        target.Dispose();
    }

    [Fact]
    public async Task Block_stops_one_direction_until_it_is_let_go()
    {
        await using var rig = new Rig();
        (TcpClient caller, TcpClient target) = await rig.ConnectAsync();
        rig.Proxy.Block(rig.Proxy.Up, isBlocked: true);
        await caller.GetStream().WriteAsync(new byte[] { 7 });
        await EchoAsync(target, caller, 1);
        Assert.Equal(0, target.Available);
        Assert.Equal(0, rig.Proxy.Up.Bytes);

        rig.Proxy.Block(rig.Proxy.Up, isBlocked: false);
        byte[] got = new byte[1];
        await target.GetStream().ReadExactlyAsync(got).AsTask().WaitAsync(Limit);
        Assert.Equal(7, got[0]);
        caller.Dispose();
        target.Dispose();
    }

    [Fact]
    public async Task Cut_breaks_connections_and_takes_none_until_restored()
    {
        await using var rig = new Rig();
        (TcpClient caller, TcpClient target) = await rig.ConnectAsync();
        rig.Proxy.Cut();
        Assert.Equal(0, await ReadToEndAsync(caller));
        Assert.Equal(0, await ReadToEndAsync(target));
        using (var refused = new TcpClient())
        {
            await refused.ConnectAsync(rig.Proxy.EndPoint);
            Assert.Equal(0, await ReadToEndAsync(refused));
        }

        caller.Dispose();
        target.Dispose();
        rig.Proxy.Restore();
        (caller, target) = await rig.ConnectAsync();
        await EchoAsync(caller, target, 9);
        caller.Dispose();
        target.Dispose();
    }

    [Fact]
    public async Task Delay_and_throttle_hold_bytes_back()
    {
        await using var rig = new Rig();
        (TcpClient caller, TcpClient target) = await rig.ConnectAsync();
        rig.Proxy.Delay(rig.Proxy.Up, TimeSpan.FromMilliseconds(100));
        long start = Environment.TickCount64;
        await EchoAsync(caller, target, 1);
        Assert.True(Environment.TickCount64 - start >= 90);

        rig.Proxy.Restore();
        rig.Proxy.Throttle(rig.Proxy.Up, 10_000);
        start = Environment.TickCount64;
        byte[] some = new byte[3000];
        await caller.GetStream().WriteAsync(some);
        await target.GetStream().ReadExactlyAsync(some).AsTask().WaitAsync(Limit);
        Assert.True(Environment.TickCount64 - start >= 200);
        caller.Dispose();
        target.Dispose();
    }

    private static async Task EchoAsync(TcpClient from, TcpClient to, byte value)
    {
        await from.GetStream().WriteAsync(new[] { value });
        byte[] got = new byte[1];
        await to.GetStream().ReadExactlyAsync(got).AsTask().WaitAsync(Limit);
        Assert.Equal(value, got[0]);
    }

    private static async Task<int> ReadToEndAsync(TcpClient client)
    {
        try
        {
            return await client.GetStream().ReadAsync(new byte[1]).AsTask().WaitAsync(Limit);
        }
        catch (IOException)
        {
            // A reset is as good an end as any.
            return 0;
        }
    }

    private sealed class Rig : IAsyncDisposable
    {
        private readonly TcpListener _server = new(IPAddress.Loopback, 0);

        public Rig()
        {
            _server.Start();
            Proxy = new TcpProxy(_server.LocalEndpoint);
        }

        public TcpProxy Proxy { get; }

        public async Task<(TcpClient Caller, TcpClient Target)> ConnectAsync()
        {
            var caller = new TcpClient();
            await caller.ConnectAsync(Proxy.EndPoint).WaitAsync(Limit);
            return (caller, await _server.AcceptTcpClientAsync().WaitAsync(Limit));
        }

        public async ValueTask DisposeAsync()
        {
            await Proxy.DisposeAsync();
            _server.Dispose();
        }
    }
}

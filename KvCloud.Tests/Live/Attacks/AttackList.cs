using System.Net;
using System.Net.Sockets;
using System.Text;
using KvCloud.Node.Transport;
using KvCloud.Protocol;
using KvCloud.Tests.Node.Rpc;
using KvCloud.Tests.Node.Transport;

namespace KvCloud.Tests.Live.Attacks;

/// <summary>What is tried, from both ports of a replica and its HTTP port.</summary>
internal static class AttackList
{
    private const int LargeValueBytes = 64 * 1024;

    public static IReadOnlyList<Attack> All { get; } =
    [
        new("2,000 connections that send nothing", (target, stop) => HoldAsync(target.Clients, 2_000, 1, stop)),
        new("20,000 connections of one address", (target, stop) => HoldAsync(target.Clients, 20_000, 1, stop)),
        new("20,000 connections of 40 addresses", (target, stop) => HoldAsync(target.Clients, 20_000, 40, stop)),
        new("500 slow writers, a byte at a time", SlowWritersAsync),
        new("64 slow readers of ranges", SlowReadersAsync),
        new("frames that claim 2 GB", (target, stop) => RepeatAsync(target.Clients, HugeFrame, stop)),
        new("lists that claim 2 billion elements", (target, stop) => RepeatAsync(target.Clients, HugeList, stop)),
        new("structs in structs, 100,000 deep", (target, stop) => RepeatAsync(target.Clients, DeepMessage, stop)),
        new("garbage on new connections", (target, stop) => RepeatAsync(target.Clients, Garbage, stop)),
        new("pipelined puts, 16 connections", (target, stop) => FloodAsync(target, Put, stop)),
        new("pipelined puts of 64 KB", (target, stop) => FloodAsync(target, LargePut, stop)),
        new("pipelined scans", (target, stop) => FloodAsync(target, Scan, stop)),
        new("peers: 2,000 connections that send nothing", (target, stop) => HoldAsync(target.Peers, 2_000, 1, stop)),
        new("peers: garbage on new connections", (target, stop) => RepeatAsync(target.Peers, Garbage, stop)),
        new("peers: a hello of another cluster", (target, stop) => RepeatAsync(target.Peers, StrangersHello, stop)),
        new("HTTP: 2,000 connections that send nothing", (target, stop) => HoldAsync(target.Http, 2_000, 1, stop)),
        new("HTTP: 500 requests that never end", SlowHttpAsync),
    ];

    private static byte[] HugeFrame => [0x7F, 0xFF, 0xFF, 0xFF, 0x80, 1, 0, 1];

    private static byte[] Garbage => RandomBytes(200);

    private static byte[] StrangersHello => Handshake.EncodeHello(TestNode.Identity(2), expected: 1);

    private static byte[] Scan =>
        RawClient.Message("getRange", 1, new GetRangeRequest { BeginKey = [], EndKey = [0xFF], Limit = 100_000 });

    private static byte[] Put => RawClient.Message(
        "setKey", 1, new SetRequest(Encoding.UTF8.GetBytes($"attack/{Random.Shared.Next(10_000)}"), new byte[100]));

    private static byte[] LargePut => RawClient.Message(
        "setKey", 1,
        new SetRequest(Encoding.UTF8.GetBytes($"attack/{Random.Shared.Next(1_000)}"), RandomBytes(LargeValueBytes)));

    /// <summary>A list field that announces 2^31 - 1 elements, and brings none.</summary>
    private static byte[] HugeList =>
        [0x80, 1, 0, 1, 0, 0, 0, 3, .. "get"u8, 0, 0, 0, 1, 12, 0, 1, 15, 0, 2, 11, 0x7F, 0xFF, 0xFF, 0xFF];

    private static byte[] DeepMessage =>
    [
        0x80, 1, 0, 1, 0, 0, 0, 3, .. "get"u8, 0, 0, 0, 1,
        .. Enumerable.Range(0, 100_000).SelectMany(_ => (byte[])[12, 0, 1]),
    ];

    private static byte[] RandomBytes(int count)
    {
        byte[] bytes = new byte[count];
        Random.Shared.NextBytes(bytes);
        return bytes;
    }

    private static async Task<string> HoldAsync(
        IPEndPoint target, int count, int addresses, CancellationToken stop)
    {
        using var sockets = new AttackSockets();
        await sockets.ConnectAsync(target, count, stop, AttackSockets.Addresses(addresses));
        await WaitAsync(stop);
        return $"{sockets.Open} of {sockets.Made} connections were held";
    }

    private static async Task<string> SlowWritersAsync(AttackTarget target, CancellationToken stop)
    {
        using var sockets = new AttackSockets();
        await sockets.ConnectAsync(target.Clients, 500, stop);
        byte[] message = Put;
        for (int i = 0; i < message.Length && !stop.IsCancellationRequested; i++)
        {
            foreach (Socket socket in sockets.All)
            {
                AttackSockets.TrySend(socket, message.AsSpan(i, 1));
            }

            await PauseAsync(500, stop);
        }

        return $"{sockets.Open} of {sockets.All.Count} wait for the end of their message (message_timeout_ms)";
    }

    private static async Task<string> SlowReadersAsync(AttackTarget target, CancellationToken stop)
    {
        using var sockets = new AttackSockets();
        await sockets.ConnectAsync(target.Clients, 64, stop);
        long sent = 0;
        while (!stop.IsCancellationRequested)
        {
            foreach (Socket socket in sockets.All)
            {
                sent += AttackSockets.TrySend(socket, Scan) ? 1 : 0;
            }

            await PauseAsync(10, stop);
        }

        return $"{sockets.Open} of {sockets.All.Count} are open, and read nothing of what {sent} calls asked for";
    }

    /// <summary>The same bytes on one new connection after the other; the replica closes each.</summary>
    private static async Task<string> RepeatAsync(IPEndPoint target, byte[] bytes, CancellationToken stop)
    {
        int sent = 0, closed = 0, answered = 0;
        while (!stop.IsCancellationRequested)
        {
            using Socket? socket = await AttackSockets.TryConnectAsync(target);
            if (socket is null)
            {
                continue;
            }

            try
            {
                sent++;
                await socket.SendAsync(bytes, stop);
                byte[] answer = new byte[4096];
                using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
                patience.CancelAfter(1_000);
                answered += await socket.ReceiveAsync(answer, patience.Token) > 0 ? 1 : 0;
                closed++;
            }
            catch (SocketException)
            {
                closed++;
            }
            catch (OperationCanceledException)
            {
                // It stays open, and waits for more.
            }
        }

        return $"{sent} times; {closed} were closed or answered ({answered} with a reason)";
    }

    /// <summary>As many calls as the replica takes, on sixteen connections whose answers are read.</summary>
    private static async Task<string> FloodAsync(AttackTarget target, byte[] call, CancellationToken stop)
    {
        using var sockets = new AttackSockets();
        await sockets.ConnectAsync(target.Clients, 16, stop);
        int batch = Math.Max(1, 8192 / call.Length);
        byte[] calls = [.. Enumerable.Range(0, batch).SelectMany(_ => call)];
        long sent = 0, received = 0;
        await Task.WhenAll(sockets.All.SelectMany(socket => new[]
        {
            Task.Run(() => SendAllAsync(socket, calls, count => Interlocked.Add(ref sent, count * batch), stop)),
            Task.Run(() => ReceiveAllAsync(socket, count => Interlocked.Add(ref received, count), stop)),
        }));
        return $"{sent} calls were taken, {received / 1024} KB answered";
    }

    private static async Task SendAllAsync(
        Socket socket, byte[] bytes, Action<int> count, CancellationToken stop)
    {
        try
        {
            while (!stop.IsCancellationRequested)
            {
                await socket.SendAsync(bytes, stop);
                count(1);
            }
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException)
        {
            // Closed by the replica, or the end of the attack.
        }
    }

    private static async Task ReceiveAllAsync(Socket socket, Action<int> count, CancellationToken stop)
    {
        try
        {
            byte[] buffer = new byte[256 * 1024];
            for (int read = 1; read > 0;)
            {
                read = await socket.ReceiveAsync(buffer, stop);
                count(read);
            }
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException)
        {
            // Closed by the replica, or the end of the attack.
        }
    }

    private static async Task<string> SlowHttpAsync(AttackTarget target, CancellationToken stop)
    {
        using var sockets = new AttackSockets();
        await sockets.ConnectAsync(target.Http, 500, stop);
        byte[] begin = Encoding.ASCII.GetBytes("GET /health HTTP/1.1\r\nHost: a\r\nX-Slow: ");
        foreach (Socket socket in sockets.All)
        {
            AttackSockets.TrySend(socket, begin);
        }

        while (!stop.IsCancellationRequested)
        {
            foreach (Socket socket in sockets.All)
            {
                AttackSockets.TrySend(socket, "a"u8);
            }

            await PauseAsync(500, stop);
        }

        return $"{sockets.Open} of {sockets.All.Count} are still open";
    }

    private static Task WaitAsync(CancellationToken stop) => PauseAsync(Timeout.Infinite, stop);

    private static async Task PauseAsync(int milliseconds, CancellationToken stop) =>
        await Task.Delay(milliseconds, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}

using System.Net;
using System.Net.Sockets;
using System.Text;
using KvCloud.Certificates;
using KvCloud.Client;
using KvCloud.Consensus;
using KvCloud.LocalCluster;
using KvCloud.Node.Operations;
using KvCloud.Node.Transport;
using KvCloud.Protocol;

namespace KvCloud.Tests.Live.Attacks;

/// <summary>
/// Somebody who hears what the leader says to a follower, and then speaks to the follower in the leader's name: a value
/// that nobody wrote is accepted, and said to be chosen.
/// </summary>
internal static class ForgedPeer
{
    private const string Key = "forged";
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(5);

    /// <summary>Whether the follower served the value, and what happened.</summary>
    public static async Task<(bool IsServed, string What)> RunAsync(bool isSecured)
    {
        DirectoryInfo files = Directory.CreateTempSubdirectory("kvcloud-forged-");
        try
        {
            var certificates = LocalCertificates.Ensure(
                files.FullName, Topology.DefaultClusterId, [0, 1, 2], TimeProvider.System);
            await using LiveCluster cluster = await LiveCluster.StartAsync(
                environment: replica => isSecured ? Settings(certificates, replica.Index) : [], withNetwork: true);
            return await AttackAsync(cluster);
        }
        finally
        {
            files.Delete(recursive: true);
        }
    }

    /// <summary>Mutual TLS between the replicas; clients as without it, since they are not what is tried.</summary>
    private static KeyValuePair<string, string?>[] Settings(LocalCertificates certificates, int node) =>
    [
        new("KvCloud__Tls__Certificate", certificates.Node(node).Certificate),
        new("KvCloud__Tls__Key", certificates.Node(node).Key),
        new("KvCloud__Tls__Ca", certificates.Authority),
        new("KvCloud__Tls__Peers", "required"),
        new("KvCloud__Tls__Clients", "off"),
        new("KvCloud__Tls__Http", "off"),
    ];

    private static async Task<(bool IsServed, string What)> AttackAsync(LiveCluster cluster)
    {
        await using KvCloudClient client = cluster.NewClient();
        await client.SetAsync("honest", "1");
        int leader = await cluster.LeaderAsync(client);
        int follower = (leader + 1) % cluster.Count;
        byte[] hello = cluster.Network.FirstBytes(leader, follower);
        bool isHello = hello.Length > 2 && hello[0] == Frame.Magic;
        int port = cluster.Topology.Replicas[follower].PeerPort;
        int connected = 0;
        string answer = "";
        using var stop = new CancellationTokenSource(Duration);
        while (!stop.IsCancellationRequested)
        {
            KvClusterHealth health = await client.GetClusterHealthAsync();
            long applied = health.Nodes.Single(node => node.Id == follower).AppliedSlot ?? 0;
            using Socket? socket = await AttackSockets.TryConnectAsync(new IPEndPoint(IPAddress.Loopback, port));
            if (socket is null)
            {
                continue;
            }

            connected++;
            answer = await SpeakAsync(socket, hello, Forged(leader, follower, health.Term, applied));
            if (await ReadAsync(cluster, client, follower) is not null)
            {
                return (true, $"served after {connected} connections: a value that nobody wrote");
            }
        }

        return (false, $"not served in {connected} connections; the sniffed bytes are {(isHello ? "a" : "no")} hello,"
            + $" and were answered: {answer}");
    }

    private static async Task<string> SpeakAsync(Socket socket, byte[] hello, byte[] forged)
    {
        try
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(500));
            await socket.SendAsync(hello, patience.Token);
            byte[] buffer = new byte[4096];
            int count = await socket.ReceiveAsync(buffer, patience.Token);
            if (count == 0)
            {
                return "by closing the connection";
            }

            await socket.SendAsync(forged, patience.Token);
            await Task.Delay(200, patience.Token);
            return buffer[0] == Frame.Magic ? $"by a frame of type {Frame.TypeOf(buffer)}" : $"by {count} bytes of TLS";
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException)
        {
            return exception.Message;
        }
    }

    /// <summary>
    /// An Accept of the next slots in the leader's name, and the Heartbeat that says that they are chosen.
    /// </summary>
    private static byte[] Forged(int leader, int follower, long term, long applied)
    {
        var from = new NodeId(leader);
        var to = new NodeId(follower);
        var ballot = new Ballot(term, from);
        var writer = new CommandBatchWriter();
        writer.Add(CommandCodec.Encode(new SetCommand(null, Encoding.UTF8.GetBytes(Key), new byte[] { 1 })));
        byte[] batch = writer.Build(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), MvccRetention.Default);
        LogEntry[] entries =
        [
            .. Enumerable.Range(1, 20).Select(i => new LogEntry(
                new Slot(applied + i), ballot, new Value(ballot, ValueKind.Commands, batch))),
        ];
        var last = new Slot(applied + entries.Length);
        return
        [
            .. Encode(new Accept(from, to, ballot, new Slot(applied), entries)),
            .. Encode(new Heartbeat(from, to, ballot, 1, last, Slot.Zero)),
        ];
    }

    private static byte[] Encode(Message message)
    {
        byte[] frame = new byte[ConsensusCodec.SizeOf(message)];
        ConsensusCodec.Encode(message, frame);
        return frame;
    }

    private static async Task<byte[]?> ReadAsync(LiveCluster cluster, KvCloudClient client, int follower)
    {
        try
        {
            return await client.GetAsync(Encoding.UTF8.GetBytes(Key), new KvReadOptions
            {
                Endpoint = cluster.Endpoints[follower],
                Consistency = ReadConsistency.LOCAL,
                Timeout = TimeSpan.FromSeconds(1),
            });
        }
        catch (KvCloudException)
        {
            return null;
        }
    }
}

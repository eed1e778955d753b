using System.Net.Sockets;
using KvCloud.Bench.Load;
using KvCloud.Protocol;
using Thrift;
using Thrift.Protocol;
using Thrift.Transport;
using Thrift.Transport.Client;

namespace KvCloud.Bench.Drivers;

/// <summary>Finds KvCloud's leader by querying the replicas one after another.</summary>
internal sealed class ThriftLeaderFinder : ILeaderFinder
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(2);

    public async Task<string?> FindLeaderAsync(IReadOnlyList<string> endpoints, CancellationToken cancellationToken)
    {
        foreach (string endpoint in endpoints)
        {
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            deadline.CancelAfter(AnswerTimeout);
            try
            {
                using TransactionalKV.Client client = await ConnectAsync(endpoint, deadline.Token)
                    .ConfigureAwait(false);
                GetClusterHealthResponse answer = await client
                    .getClusterHealth(new GetClusterHealthRequest(), deadline.Token).ConfigureAwait(false);
                if (answer is { Success: true, ClusterHealth.Leader: { IsLeader: true } leader })
                {
                    return leader.Endpoint;
                }
            }
            catch (Exception failure) when (IsNoAnswer(failure, cancellationToken))
            {
                // The replica is down; try the next one.
                continue;
            }
        }

        return null;
    }

    public static async Task<TransactionalKV.Client> ConnectAsync(string endpoint, CancellationToken cancellationToken)
    {
        (string? host, int port) = Endpoints.Split(endpoint);
        var socket = new TcpClient { NoDelay = true };
        try
        {
            await socket.ConnectAsync(host, port, cancellationToken).ConfigureAwait(false);
            var configuration = new TConfiguration();
            var transport = new TBufferedTransport(new TSocketTransport(socket, configuration), 16 * 1024);
            return new TransactionalKV.Client(new TBinaryProtocol(transport));
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    internal static bool IsNoAnswer(Exception failure, CancellationToken cancellationToken) =>
        !cancellationToken.IsCancellationRequested
        && failure is SocketException or IOException or TException or OperationCanceledException
            or ObjectDisposedException;
}

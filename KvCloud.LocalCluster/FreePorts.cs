using System.Net;
using System.Net.Sockets;

namespace KvCloud.LocalCluster;

/// <summary>Finds ports of this machine that nobody listens on.</summary>
internal static class FreePorts
{
    /// <summary>Keeps all ports bound until the last is found, so that no two are the same.</summary>
    public static int[] Find(int count)
    {
        TcpListener[] listeners =
            [.. Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0))];
        try
        {
            foreach (TcpListener listener in listeners)
            {
                listener.Start();
            }

            return [.. listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        }
        finally
        {
            foreach (TcpListener listener in listeners)
            {
                listener.Dispose();
            }
        }
    }
}

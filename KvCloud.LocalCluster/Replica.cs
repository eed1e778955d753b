using System.Globalization;

namespace KvCloud.LocalCluster;

/// <summary>One replica of the cluster: its index and the ports it listens on.</summary>
/// <param name="Index">From 0; also its instance id.</param>
/// <param name="ThriftPort">The port for clients.</param>
/// <param name="PeerPort">The port for other replicas.</param>
/// <param name="HttpPort">The port for health and metrics.</param>
internal sealed record Replica(int Index, int ThriftPort, int PeerPort, int HttpPort)
{
    /// <summary>The replica's name in telemetry, in messages, and in front of its log lines.</summary>
    public string Name => NameOf(Index);

    public static string NameOf(int index) => string.Create(CultureInfo.InvariantCulture, $"node-{index}");
}

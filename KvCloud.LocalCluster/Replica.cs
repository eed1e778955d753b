using System.Globalization;

namespace KvCloud.LocalCluster;

/// <summary>One replica of the cluster: its number and the ports it listens on.</summary>
/// <param name="Index">0 up; also its instance id.</param>
/// <param name="ThriftPort">Where clients connect.</param>
/// <param name="PeerPort">Where the other replicas connect.</param>
/// <param name="HttpPort">Health and metrics.</param>
internal sealed record Replica(int Index, int ThriftPort, int PeerPort, int HttpPort)
{
    /// <summary>Its name in telemetry, in messages, and before each of its log lines.</summary>
    public string Name => NameOf(Index);

    public static string NameOf(int index) => string.Create(CultureInfo.InvariantCulture, $"node-{index}");
}

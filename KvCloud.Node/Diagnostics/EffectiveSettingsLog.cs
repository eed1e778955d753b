using KvCloud.Node.Configuration;

namespace KvCloud.Node.Diagnostics;

/// <summary>Writes what is in effect at start, one line a section, without secrets.</summary>
internal static partial class EffectiveSettingsLog
{
    public static void LogEffectiveSettings(this ILogger logger, NodeOptions options, NodeTopology topology)
    {
        Starting(
            logger, NodeVersion.Text, topology.SelfId, topology.ClusterId, topology.Replicas.Count,
            topology.DataDirectory, topology.ListenAddress, topology.ThriftPort, topology.PeerPort, topology.HttpPort);
        foreach (string line in EffectiveSettings.BySection(options))
        {
            Section(logger, line);
        }
    }

    [LoggerMessage(20, LogLevel.Information,
        "KvCloud {Version}, node-{NodeId} of cluster {ClusterId} with {Replicas} replicas, data in {DataDirectory}, "
        + "listening at {Address}: Thrift {ThriftPort}, peers {PeerPort}, HTTP {HttpPort}")]
    private static partial void Starting(
        ILogger logger, string version, int nodeId, string clusterId, int replicas, string dataDirectory,
        string address, int thriftPort, int peerPort, int httpPort);

    [LoggerMessage(21, LogLevel.Information, "{Section}")]
    private static partial void Section(ILogger logger, string section);
}

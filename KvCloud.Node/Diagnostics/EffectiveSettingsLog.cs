using KvCloud.Node.Configuration;
using KvCloud.Node.Telemetry;

namespace KvCloud.Node.Diagnostics;

/// <summary>
/// Logs at start what this replica is, and in a second line the settings that differ from their defaults, without
/// secrets. <c>--check-config</c> prints all settings.
/// </summary>
internal static partial class EffectiveSettingsLog
{
    public static void LogStart(this ILogger logger, SettingsResult settings, NodeTopology topology)
    {
        Starting(
            logger, NodeVersion.Text, topology.SelfId, topology.Replicas.Count, topology.ClusterId,
            topology.ListenAddress, topology.ThriftPort, topology.PeerPort, topology.HttpPort, topology.DataDirectory);
        if (Insecurity.Of(settings.Options, topology) is string insecurity)
        {
            Insecure(logger, insecurity);
        }

        string changed = string.Join(", ", EffectiveSettings.Changed(settings));
        if (changed.Length > 0)
        {
            Changed(logger, changed);
        }
    }

    [LoggerMessage(1020, LogLevel.Information,
        "KvCloud {Version}: node-{NodeId} of {Replicas} in cluster {ClusterId}, {Address}:{ThriftPort} "
        + "(peers {PeerPort}, HTTP {HttpPort}), data in {DataDirectory}")]
    private static partial void Starting(
        ILogger logger, string version, int nodeId, int replicas, string clusterId, string address, int thriftPort,
        int peerPort, int httpPort, string dataDirectory);

    [LoggerMessage(1022, LogLevel.Warning, "{Insecurity}")]
    private static partial void Insecure(ILogger logger, string insecurity);

    [LoggerMessage(1021, LogLevel.Information, "Settings that differ from the defaults: {Settings}")]
    private static partial void Changed(ILogger logger, string settings);
}

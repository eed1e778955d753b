namespace KvCloud.LocalCluster;

/// <summary>What was asked for cannot be run; the message is the one sentence for the user.</summary>
internal sealed class TopologyException(string message) : Exception(message);

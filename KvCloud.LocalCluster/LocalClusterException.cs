namespace KvCloud.LocalCluster;

/// <summary>The cluster that was asked for cannot be started; the message is the one sentence for the user.</summary>
internal sealed class LocalClusterException(string message) : Exception(message);

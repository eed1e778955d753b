namespace KvCloud.LocalCluster;

/// <summary>The requested cluster cannot be started; the message is one sentence for the user.</summary>
internal sealed class LocalClusterException(string message) : Exception(message);

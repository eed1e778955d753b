namespace KvCloud.LocalCluster;

/// <summary>A replica ended and stays down; the message contains the last lines of its output.</summary>
internal sealed class ReplicaDownException(string message) : Exception(message);

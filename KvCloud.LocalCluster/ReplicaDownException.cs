namespace KvCloud.LocalCluster;

/// <summary>A replica ended and stays down; the message has the last lines it wrote.</summary>
internal sealed class ReplicaDownException(string message) : Exception(message);

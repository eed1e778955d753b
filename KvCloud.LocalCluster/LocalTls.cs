namespace KvCloud.LocalCluster;

/// <summary>The certificates of a cluster on this machine, as PEM files.</summary>
/// <param name="Ca">The CAs that replicas, clients and probes trust.</param>
/// <param name="Node">Certificate and key of the replica with this index.</param>
internal sealed record LocalTls(string Ca, Func<int, (string Certificate, string Key)> Node);

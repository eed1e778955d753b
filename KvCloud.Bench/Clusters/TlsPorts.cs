namespace KvCloud.Bench.Clusters;

/// <summary>Which ports of a cluster speak TLS; HTTP does.</summary>
internal sealed record TlsPorts(bool Clients, bool Peers)
{
    /// <summary>The settings of each replica, beside its files.</summary>
    public IEnumerable<KeyValuePair<string, string?>> Settings =>
    [
        new("KvCloud__Tls__Clients", Clients ? "required" : "off"),
        new("KvCloud__Tls__Peers", Peers ? "required" : "off"),
    ];
}

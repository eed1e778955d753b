using Aspire.Hosting.KvCloud;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>
/// The certificates of a cluster in a directory, as <c>kv cert</c> names its files: <c>ca.crt</c>, which all trust, and
/// <c>node_0.crt</c>, <c>node_0.key</c> and so on for the replicas.
/// </summary>
public sealed class KvCloudCertificates
{
    private readonly KvCloudResource _cluster;
    private readonly string? _directory;

    internal KvCloudCertificates(KvCloudResource cluster, string? directory, Action<KvCloudCertificates>? create)
    {
        _cluster = cluster;
        _directory = directory;
        Create = create;
    }

    /// <summary>Absolute path.</summary>
    public string Directory => _directory ?? Path.Combine(_cluster.Data.Root, "certificates");

    /// <summary>The cluster that each certificate must name: <c>kvcloud://CLUSTER/nodes/0</c>.</summary>
    public string Cluster => _cluster.Name;

    /// <summary>The numbers of the nodes that need a certificate.</summary>
    public IReadOnlyList<int> Nodes => [.. _cluster.Replicas.Select(replica => replica.Index)];

    /// <summary>The file of the CAs that replicas and clients trust.</summary>
    public string Authority => Path.Combine(Directory, "ca.crt");

    internal Action<KvCloudCertificates>? Create { get; }

    internal string CertificateOf(int node) => FileOf(node, "crt");

    internal string KeyOf(int node) => FileOf(node, "key");

    /// <summary>Makes what is to be made, and checks that all files are there.</summary>
    /// <exception cref="DistributedApplicationException">A file is missing; the message names it.</exception>
    internal void Open()
    {
        Create?.Invoke(this);
        string? missing = ((string[])[Authority, .. Nodes.Select(CertificateOf), .. Nodes.Select(KeyOf)])
            .FirstOrDefault(file => !File.Exists(file));
        if (missing is not null)
        {
            throw new DistributedApplicationException(
                $"KvCloud '{Cluster}': there is no {missing}. `kv cert create-ca` and `kv cert create-node --cluster"
                + $" {Cluster} --host localhost,127.0.0.1` make such files.");
        }
    }

    private string FileOf(int node, string extension) =>
        Path.Combine(Directory, $"node_{ReplicaSettings.Text(node)}.{extension}");
}

using System.Globalization;

namespace KvCloud.Node.Tls;

/// <summary>What a certificate says whose it is: a node of a cluster, by a SAN of type URI.</summary>
internal sealed record NodeName(string ClusterId, int NodeId)
{
    /// <summary>Names of this product begin so; others of the same certificate are none of its business.</summary>
    public const string Scheme = "kvcloud://";

    /// <summary>The only spelling that counts.</summary>
    public string Uri => string.Create(CultureInfo.InvariantCulture, $"{Scheme}{ClusterId}/nodes/{NodeId}");

    /// <summary>Whether the URI names a node of this node's cluster.</summary>
    public bool IsNodeOfCluster(string uri) =>
        uri.StartsWith($"{Scheme}{ClusterId}/nodes/", StringComparison.Ordinal);

    /// <summary>Whether the URI belongs to this node's cluster, whomever it names there.</summary>
    public bool IsOfCluster(string uri) => uri.StartsWith($"{Scheme}{ClusterId}/", StringComparison.Ordinal);
}

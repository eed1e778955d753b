using System.Globalization;

namespace KvCloud.Certificates;

/// <summary>
/// Who a certificate is for, in a name of type URI: <c>kvcloud://CLUSTER/nodes/ID</c> or
/// <c>kvcloud://CLUSTER/users/NAME</c>.
/// </summary>
/// <remarks>
/// The text is compared as it stands. <see cref="Uri"/> would put the cluster into lower case, and a cluster is named
/// with both.
/// </remarks>
internal sealed record CertificateIdentity
{
    public const int MaxNameLength = 64;

    private const string Scheme = "kvcloud://";
    private const string Nodes = "nodes";
    private const string Users = "users";

    private CertificateIdentity(string cluster, int? nodeId, string? user)
    {
        Cluster = cluster;
        NodeId = nodeId;
        User = user;
    }

    public string Cluster { get; }

    /// <summary>The node that it names; null if it names a user.</summary>
    public int? NodeId { get; }

    /// <summary>The user that it names; null if it names a node.</summary>
    public string? User { get; }

    /// <summary>The common name of the subject, for people who read it.</summary>
    public string CommonName => User ?? $"{Cluster} node {Text(NodeId!.Value)}";

    /// <exception cref="CertificateRequestException">The cluster or the number is none.</exception>
    public static CertificateIdentity ForNode(string cluster, int nodeId) => nodeId >= 0
        ? new CertificateIdentity(Checked(cluster), nodeId, null)
        : throw new CertificateRequestException($"{Text(nodeId)} is no node: it must be 0 or more.");

    /// <exception cref="CertificateRequestException">The cluster or the user is no name.</exception>
    public static CertificateIdentity ForUser(string cluster, string user) =>
        new(Checked(cluster), null, IsUser(user)
            ? user
            : throw new CertificateRequestException(
                $"\"{user}\" is no name of a user: it must be 1 to {Text(MaxNameLength)} letters, digits and the"
                + " characters . _ - @ + :"));

    /// <summary>Reads the URI of a certificate; null if it is none of KvCloud.</summary>
    public static CertificateIdentity? Parse(string uri)
    {
        if (!uri.StartsWith(Scheme, StringComparison.Ordinal))
        {
            return null;
        }

        string[] parts = uri[Scheme.Length..].Split('/');
        if (parts.Length != 3 || !IsName(parts[0]))
        {
            return null;
        }

        return parts[1] switch
        {
            Nodes when NumberOf(parts[2]) is { } nodeId => new CertificateIdentity(parts[0], nodeId, null),
            Users when IsUser(parts[2]) => new CertificateIdentity(parts[0], null, parts[2]),
            _ => null,
        };
    }

    public override string ToString() =>
        Scheme + Cluster + '/' + (User is null ? $"{Nodes}/{Text(NodeId!.Value)}" : $"{Users}/{User}");

    /// <summary>What `cluster.id` may be too: nothing that a URI would have to escape.</summary>
    private static bool IsName(string text) => text.Length is > 0 and <= MaxNameLength
        && text.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.');

    /// <summary>What a user of the cluster may be called too.</summary>
    private static bool IsUser(string text) => text.Length is > 0 and <= MaxNameLength
        && text.All(letter => char.IsAsciiLetterOrDigit(letter) || "._-@+:".Contains(letter, StringComparison.Ordinal));

    private static string Checked(string name) => IsName(name)
        ? name
        : throw new CertificateRequestException(
            $"\"{name}\" is no name of a cluster: it must be 1 to {Text(MaxNameLength)} letters, digits, dashes, dots"
            + " or underscores.");

    /// <summary>A number in the one way that it is written: no sign, no leading zero.</summary>
    private static int? NumberOf(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && Text(number) == text
            ? number
            : null;

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}

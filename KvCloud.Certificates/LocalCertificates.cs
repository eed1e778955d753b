namespace KvCloud.Certificates;

/// <summary>
/// The certificates of a cluster that somebody runs on one machine to try it: a CA of its own, one certificate for
/// each node and one for its operator, made where they are missing and renewed before they expire.
/// </summary>
internal sealed class LocalCertificates
{
    /// <summary>The user in the operator's certificate.</summary>
    public const string Operator = "operator";

    private static readonly string[] Hosts = ["localhost", "127.0.0.1", "::1"];
    private static readonly TimeSpan RenewedBefore = TimeSpan.FromDays(30);

    private readonly string _directory;
    private readonly string _cluster;
    private readonly TimeProvider _time;

    private LocalCertificates(string directory, string cluster, TimeProvider time)
    {
        _directory = Path.GetFullPath(directory);
        _cluster = cluster;
        _time = time;
    }

    /// <summary>The file that clients and nodes trust.</summary>
    public string Authority => CertificatePaths.OfAuthority(_directory).Certificate;

    public CertificatePaths Client => CertificatePaths.OfClient(_directory, Operator);

    public CertificatePaths Node(int nodeId) => CertificatePaths.OfNode(_directory, nodeId);

    /// <summary>Makes what is missing, what expires within 30 days, and what is not of this cluster's CA.</summary>
    /// <exception cref="CertificateException">A file cannot be read or written.</exception>
    public static LocalCertificates Ensure(
        string directory, string cluster, IEnumerable<int> nodes, TimeProvider time)
    {
        var certificates = new LocalCertificates(directory, cluster, time);
        certificates.EnsureAuthority();
        var paths = CertificatePaths.OfAuthority(certificates._directory);
        using var authority = CertificateAuthority.Load(paths.Certificate, paths.Key, time);
        foreach (int node in nodes)
        {
            var identity = CertificateIdentity.ForNode(cluster, node);
            certificates.Ensure(
                certificates.Node(node),
                identity,
                () => authority.IssueNode(identity, Hosts, CertificateLifetimes.LeafDays));
        }

        var user = CertificateIdentity.ForUser(cluster, Operator);
        certificates.Ensure(
            certificates.Client, user, () => authority.IssueClient(user, CertificateLifetimes.LeafDays));
        return certificates;
    }

    private void EnsureAuthority()
    {
        var paths = CertificatePaths.OfAuthority(_directory);
        if (!IsGood(paths, identity: null))
        {
            PemFile.WritePair(
                paths.Certificate,
                paths.Key,
                CertificateAuthority.Create($"KvCloud {_cluster}", CertificateLifetimes.AuthorityDays, _time),
                replaces: true);
        }
    }

    private void Ensure(CertificatePaths paths, CertificateIdentity identity, Func<IssuedCertificate> issue)
    {
        if (!IsGood(paths, identity))
        {
            PemFile.WritePair(paths.Certificate, paths.Key, issue(), replaces: true);
        }
    }

    /// <summary>Whether they can stay. A crash may have left a new key beside an old certificate.</summary>
    private bool IsGood(CertificatePaths paths, CertificateIdentity? identity)
    {
        if (!File.Exists(paths.Certificate) || !File.Exists(paths.Key))
        {
            return false;
        }

        CertificateReport report = CertificateReport.Read(
            paths.Certificate, paths.Key, File.Exists(Authority) ? Authority : null, _time)[0];
        return report.IsUsable && report.Identity == identity && report.NotAfter - _time.GetUtcNow() > RenewedBefore;
    }
}

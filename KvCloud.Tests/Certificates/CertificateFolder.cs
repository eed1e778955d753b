using KvCloud.Certificates;

namespace KvCloud.Tests.Certificates;

/// <summary>A CA and what it issues, in a temporary folder.</summary>
internal sealed class CertificateFolder : IDisposable
{
    private readonly TimeProvider _time;

    public CertificateFolder(TimeProvider? time = null, string name = "Test CA")
    {
        _time = time ?? TimeProvider.System;
        var paths = CertificatePaths.OfAuthority(Path);
        PemFile.WritePair(
            paths.Certificate,
            paths.Key,
            CertificateAuthority.Create(name, CertificateLifetimes.AuthorityDays, _time),
            replaces: false);
    }

    public string Path { get; } = Directory.CreateTempSubdirectory("kv-certificates-").FullName;

    public CertificatePaths Authority => CertificatePaths.OfAuthority(Path);

    public CertificatePaths Node(string cluster, int nodeId, params string[] hosts)
    {
        var paths = CertificatePaths.OfNode(Path, nodeId);
        using CertificateAuthority authority = Load();
        PemFile.WritePair(
            paths.Certificate,
            paths.Key,
            authority.IssueNode(
                CertificateIdentity.ForNode(cluster, nodeId), hosts, CertificateLifetimes.LeafDays),
            replaces: true);
        return paths;
    }

    public CertificatePaths Client(string cluster, string user, int days = CertificateLifetimes.LeafDays)
    {
        var paths = CertificatePaths.OfClient(Path, user);
        using CertificateAuthority authority = Load();
        PemFile.WritePair(
            paths.Certificate,
            paths.Key,
            authority.IssueClient(CertificateIdentity.ForUser(cluster, user), days),
            replaces: true);
        return paths;
    }

    public CertificateReport Report(CertificatePaths paths) =>
        CertificateReport.Read(paths.Certificate, paths.Key, Authority.Certificate, _time)[0];

    public void Dispose() => Directory.Delete(Path, recursive: true);

    private CertificateAuthority Load() => CertificateAuthority.Load(Authority.Certificate, Authority.Key, _time);
}

using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace KvCloud.Tests.Support;

/// <summary>A CA of its own, and certificates of it as PEM files in a folder of its own.</summary>
internal sealed class TestCa : IDisposable
{
    public const string Cluster = "kvcloud";

    private readonly X509Certificate2 _ca;
    private int _files;

    public TestCa(string name = "Test CA", DateTimeOffset? from = null, DateTimeOffset? to = null)
    {
        Folder = Directory.CreateTempSubdirectory("kvcloud-tls-").FullName;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        DateTimeOffset now = DateTimeOffset.UtcNow;
        _ca = request.CreateSelfSigned(from ?? now.AddDays(-400), to ?? now.AddYears(10));
        CaFile = Write("ca.pem", _ca.ExportCertificatePem());
    }

    public string Folder { get; }

    public string CaFile { get; }

    public string Pem => _ca.ExportCertificatePem();

    public static string NodeUri(int id, string cluster = Cluster) => $"kvcloud://{cluster}/nodes/{id}";

    public static string UserUri(string name, string cluster = Cluster) => $"kvcloud://{cluster}/users/{name}";

    public PemPair Node(
        int id, string cluster = Cluster, DateTimeOffset? from = null, DateTimeOffset? to = null) =>
        Issue([NodeUri(id, cluster)], ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"], from, to);

    public PemPair Client(
        string name, string cluster = Cluster, DateTimeOffset? from = null, DateTimeOffset? to = null) =>
        Issue([UserUri(name, cluster)], ["1.3.6.1.5.5.7.3.2"], from, to);

    /// <param name="usages">Extended key usages; none: the certificate says nothing of its use.</param>
    public PemPair Issue(
        string[] uris, string[] usages, DateTimeOffset? from = null, DateTimeOffset? to = null, string? host = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=test", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host ?? "localhost");
        if (host is null)
        {
            names.AddIpAddress(IPAddress.Loopback);
        }

        foreach (string uri in uris)
        {
            names.AddUri(new Uri(uri));
        }

        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        if (usages.Length > 0)
        {
            OidCollection oids = [];
            foreach (string usage in usages)
            {
                oids.Add(new Oid(usage));
            }

            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(oids, false));
        }

        DateTimeOffset now = DateTimeOffset.UtcNow;
        using X509Certificate2 made = request.Create(
            _ca, from ?? now.AddDays(-1), to ?? now.AddDays(365), RandomNumberGenerator.GetBytes(16));
        int number = ++_files;
        return new PemPair(
            Write($"{number}.pem", made.ExportCertificatePem()),
            Write($"{number}-key.pem", key.ExportPkcs8PrivateKeyPem()));
    }

    /// <summary>Puts certificate and key of the CA where `kv cert` looks for them; the folder's path.</summary>
    public string WriteAuthority()
    {
        using ECDsa key = _ca.GetECDsaPrivateKey()!;
        Write("ca.crt", Pem);
        Write("ca.key", key.ExportPkcs8PrivateKeyPem());
        return Folder;
    }

    public string Write(string name, string text)
    {
        string path = Path.Combine(Folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    public void Dispose()
    {
        _ca.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}

/// <summary>A certificate's file and its key's.</summary>
internal sealed record PemPair(string Certificate, string Key)
{
    /// <summary>Puts this pair where the other was, as somebody does who renews it.</summary>
    public void CopyTo(PemPair other)
    {
        File.Copy(Certificate, other.Certificate, overwrite: true);
        File.Copy(Key, other.Key, overwrite: true);
    }
}

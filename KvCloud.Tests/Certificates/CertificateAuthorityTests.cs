using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using KvCloud.Certificates;
using Microsoft.Extensions.Time.Testing;

namespace KvCloud.Tests.Certificates;

public sealed class CertificateAuthorityTests : IDisposable
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 27, 12, 0, 0, TimeSpan.Zero));
    private readonly CertificateFolder _folder;

    public CertificateAuthorityTests() => _folder = new CertificateFolder(_time);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Create_new_authority_signs_no_further_authority()
    {
        using X509Certificate2 certificate = CertificateFile.Read(_folder.Authority.Certificate).Single();

        X509BasicConstraintsExtension basic = certificate.Extensions.OfType<X509BasicConstraintsExtension>().Single();
        Assert.True(basic.Critical);
        Assert.True(basic.CertificateAuthority);
        Assert.True(basic.HasPathLengthConstraint);
        Assert.Equal(0, basic.PathLengthConstraint);
        Assert.Equal(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, UsagesOf(certificate));
        Assert.Equal("1.2.840.10045.3.1.7", CurveOf(certificate));
        Assert.Equal(_time.GetUtcNow().AddDays(3650), certificate.NotAfter.ToUniversalTime());
        Assert.Equal(_time.GetUtcNow().AddHours(-1), certificate.NotBefore.ToUniversalTime());
    }

    [Fact]
    public void Create_twice_with_one_name_makes_two_subjects()
    {
        using var other = new CertificateFolder(_time);

        Assert.NotEqual(_folder.Report(_folder.Authority).Subject, other.Report(other.Authority).Subject);
    }

    [Fact]
    public void IssueNode_certificate_serves_both_sides_of_tls_and_names_the_node()
    {
        CertificatePaths paths = _folder.Node("Orders", 2, "db-2.example", "10.0.0.2", "::1", "DB-2.example");
        using X509Certificate2 certificate = CertificateFile.Read(paths.Certificate).Single();

        Assert.Equal(
            ["kvcloud://Orders/nodes/2", "db-2.example", "10.0.0.2", "::1"], AlternativeNames.Of(certificate).All);
        Assert.Equal(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"], PurposesOf(certificate));
        Assert.Equal(X509KeyUsageFlags.DigitalSignature, UsagesOf(certificate));
        Assert.False(certificate.Extensions.OfType<X509BasicConstraintsExtension>().Single().CertificateAuthority);
        Assert.True(certificate.MatchesHostname("db-2.example", allowWildcards: false, allowCommonName: false));
        Assert.True(certificate.MatchesHostname("10.0.0.2", allowWildcards: false, allowCommonName: false));
        Assert.False(certificate.MatchesHostname("db-3.example", allowWildcards: false, allowCommonName: false));
        Assert.Equal(_time.GetUtcNow().AddDays(365), certificate.NotAfter.ToUniversalTime());
    }

    [Fact]
    public void IssueClient_certificate_is_for_the_side_that_connects()
    {
        using X509Certificate2 certificate =
            CertificateFile.Read(_folder.Client("orders", "anna").Certificate).Single();

        Assert.Equal("CN=anna", certificate.Subject);
        Assert.Equal(["kvcloud://orders/users/anna"], AlternativeNames.Of(certificate).All);
        Assert.Equal(["1.3.6.1.5.5.7.3.2"], PurposesOf(certificate));
    }

    [Fact]
    public void IssueClient_many_certificates_have_positive_serials_of_their_own()
    {
        using CertificateAuthority authority = Load();
        var user = CertificateIdentity.ForUser("orders", "anna");
        byte[][] serials =
        [
            .. Enumerable.Range(0, 20).Select(_ =>
            {
                using var certificate = X509Certificate2.CreateFromPem(authority.IssueClient(user, 1).CertificatePem);
                return certificate.SerialNumberBytes.ToArray();
            }),
        ];

        Assert.All(serials, serial => Assert.InRange(serial[0], 0x40, 0x7f));
        Assert.All(serials, serial => Assert.Equal(16, serial.Length));
        Assert.Equal(20, serials.Select(Convert.ToHexString).Distinct().Count());
    }

    [Fact]
    public void IssueClient_near_the_end_of_the_authority_ends_with_it()
    {
        DateTimeOffset end = _folder.Report(_folder.Authority).NotAfter;
        _time.Advance(TimeSpan.FromDays(3650 - 10));

        Assert.Equal(end, _folder.Report(_folder.Client("orders", "anna")).NotAfter);
    }

    [Fact]
    public void IssueClient_by_an_authority_that_has_expired_is_refused()
    {
        _time.Advance(TimeSpan.FromDays(3650));

        string message = Assert.Throws<CertificateException>(() => _folder.Client("orders", "anna")).Message;
        Assert.Contains("2036-11-24", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(36501)]
    public void IssueClient_lifetime_that_is_none_is_refused(int days) =>
        Assert.Throws<CertificateRequestException>(() => _folder.Client("orders", "anna", days));

    [Fact]
    public void Load_bundle_of_authorities_signs_with_the_one_whose_key_it_is()
    {
        using var other = new CertificateFolder(_time);
        string bundle = Path.Combine(_folder.Path, "bundle.crt");
        File.WriteAllText(
            bundle, File.ReadAllText(other.Authority.Certificate) + File.ReadAllText(_folder.Authority.Certificate));

        using var authority = CertificateAuthority.Load(bundle, _folder.Authority.Key, _time);
        using var issued = X509Certificate2.CreateFromPem(
            authority.IssueClient(CertificateIdentity.ForUser("orders", "anna"), 1).CertificatePem);

        Assert.Equal(_folder.Report(_folder.Authority).Subject, issued.Issuer);
    }

    [Fact]
    public void Load_key_of_another_authority_is_refused_by_name()
    {
        using var other = new CertificateFolder(_time);

        string message = Assert.Throws<CertificateException>(
            () => CertificateAuthority.Load(_folder.Authority.Certificate, other.Authority.Key, _time)).Message;

        Assert.Contains(_folder.Authority.Certificate, message, StringComparison.Ordinal);
        Assert.Contains(other.Authority.Key, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_certificate_of_a_node_is_no_authority()
    {
        CertificatePaths node = _folder.Node("orders", 1, "a");

        Assert.Throws<CertificateException>(() => CertificateAuthority.Load(node.Certificate, node.Key, _time));
    }

    /// <summary>Whose CA is a company's own has an RSA key more often than not.</summary>
    [Fact]
    public void Load_authority_with_an_rsa_key_signs_too()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=RSA CA", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        using X509Certificate2 root = request.CreateSelfSigned(
            _time.GetUtcNow().AddDays(-1), _time.GetUtcNow().AddDays(1));
        PemFile.WritePair(
            _folder.Authority.Certificate,
            _folder.Authority.Key,
            new IssuedCertificate(root.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem()),
            replaces: true);

        CertificateReport report = _folder.Report(_folder.Client("orders", "anna"));

        Assert.Equal("", report.ChainProblem);
        Assert.Equal("CN=RSA CA", report.Issuer);
        Assert.True(report.IsUsable);
    }

    private CertificateAuthority Load() =>
        CertificateAuthority.Load(_folder.Authority.Certificate, _folder.Authority.Key, _time);

    private static X509KeyUsageFlags UsagesOf(X509Certificate2 certificate) =>
        certificate.Extensions.OfType<X509KeyUsageExtension>().Single(usage => usage.Critical).KeyUsages;

    private static IEnumerable<string?> PurposesOf(X509Certificate2 certificate) =>
        certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().Single().EnhancedKeyUsages
            .Cast<Oid>().Select(usage => usage.Value);

    private static string? CurveOf(X509Certificate2 certificate)
    {
        using ECDsa key = certificate.GetECDsaPublicKey()!;
        return key.ExportParameters(includePrivateParameters: false).Curve.Oid.Value;
    }
}

using KvCloud.Certificates;
using Microsoft.Extensions.Time.Testing;

namespace KvCloud.Tests.Certificates;

public sealed class CertificateReportTests : IDisposable
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 27, 12, 0, 0, TimeSpan.Zero));
    private readonly CertificateFolder _folder;

    public CertificateReportTests() => _folder = new CertificateFolder(_time);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_certificate_of_a_node_says_what_is_in_it()
    {
        CertificateReport report = _folder.Report(_folder.Node("orders", 3, "a.example"));

        Assert.Equal("CN=orders node 3", report.Subject);
        Assert.Equal(CertificateIdentity.ForNode("orders", 3), report.Identity);
        Assert.Equal(365, report.DaysLeft);
        Assert.True(report.KeyMatches);
        Assert.Equal("", report.ChainProblem);
        Assert.True(report.IsUsable);
        Assert.False(report.IsAuthority);
    }

    [Fact]
    public void Read_authority_chains_to_itself()
    {
        CertificateReport report = _folder.Report(_folder.Authority);

        Assert.True(report.IsAuthority);
        Assert.Equal("", report.ChainProblem);
        Assert.Null(report.Identity);
        Assert.True(report.IsUsable);
    }

    [Fact]
    public void Read_certificate_that_has_expired_cannot_be_used()
    {
        CertificatePaths paths = _folder.Client("orders", "anna");
        _time.Advance(TimeSpan.FromDays(366));

        CertificateReport report = _folder.Report(paths);

        Assert.Equal(-1, report.DaysLeft);
        Assert.False(report.IsCurrent);
        Assert.False(report.IsUsable);
        Assert.NotEqual("", report.ChainProblem);
    }

    [Fact]
    public void Read_certificate_that_is_not_yet_good_cannot_be_used()
    {
        CertificatePaths paths = _folder.Client("orders", "anna");
        var before = new FakeTimeProvider(_time.GetUtcNow().AddHours(-2));

        Assert.False(CertificateReport.Read(paths.Certificate, null, null, before)[0].IsUsable);
    }

    [Fact]
    public void Read_key_of_another_certificate_does_not_match()
    {
        CertificatePaths paths = _folder.Client("orders", "anna");
        CertificatePaths other = _folder.Client("orders", "bert");

        CertificateReport report = CertificateReport.Read(paths.Certificate, other.Key, null, _time)[0];

        Assert.False(report.KeyMatches);
        Assert.False(report.IsUsable);
        Assert.Null(report.ChainProblem);
    }

    /// <summary>The same names, another CA: what a stranger can make for himself.</summary>
    [Fact]
    public void Read_certificate_of_another_authority_does_not_chain()
    {
        using var stranger = new CertificateFolder(_time);
        CertificatePaths paths = stranger.Node("orders", 1, "a.example");

        CertificateReport report =
            CertificateReport.Read(paths.Certificate, paths.Key, _folder.Authority.Certificate, _time)[0];

        Assert.NotEqual("", report.ChainProblem);
        Assert.False(report.IsUsable);
    }

    [Fact]
    public void Read_bundle_tells_of_each_authority()
    {
        using var other = new CertificateFolder(_time);
        string bundle = Path.Combine(_folder.Path, "bundle.crt");
        File.WriteAllText(
            bundle, File.ReadAllText(_folder.Authority.Certificate) + File.ReadAllText(other.Authority.Certificate));

        Assert.Equal(2, CertificateReport.Read(bundle, null, bundle, _time).Count(report => report.IsUsable));
    }

    [Theory]
    [InlineData("")]
    [InlineData("no certificate")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----")]
    public void Read_file_without_a_certificate_is_refused_by_name(string text)
    {
        string path = Path.Combine(_folder.Path, "none.crt");
        File.WriteAllText(path, text);

        Assert.Contains(
            path,
            Assert.Throws<CertificateException>(() => CertificateReport.Read(path, null, null, _time)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Read_key_that_is_none_is_refused_by_name()
    {
        CertificatePaths paths = _folder.Client("orders", "anna");
        File.WriteAllText(paths.Key, "no key");

        Assert.Contains(
            paths.Key,
            Assert.Throws<CertificateException>(() => _folder.Report(paths)).Message,
            StringComparison.Ordinal);
    }
}

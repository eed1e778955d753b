using KvCloud.Certificates;
using Microsoft.Extensions.Time.Testing;

namespace KvCloud.Tests.Certificates;

public sealed class LocalCertificatesTests : IDisposable
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 27, 12, 0, 0, TimeSpan.Zero));
    private readonly string _folder = Directory.CreateTempSubdirectory("kv-local-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Ensure_first_time_makes_all_that_a_cluster_needs()
    {
        LocalCertificates certificates = Ensure();

        Assert.All(
            [certificates.Node(0), certificates.Node(1), certificates.Node(2), certificates.Client],
            paths => Assert.True(
                CertificateReport.Read(paths.Certificate, paths.Key, certificates.Authority, _time)[0].IsUsable));
    }

    [Fact]
    public void Ensure_second_time_changes_nothing()
    {
        Ensure();
        Dictionary<string, string> before = Files();

        Ensure();

        Assert.Equal(before, Files());
    }

    [Fact]
    public void Ensure_before_they_expire_renews_those_of_nodes_and_keeps_the_authority()
    {
        Ensure();
        Dictionary<string, string> before = Files();
        _time.Advance(TimeSpan.FromDays(340));

        Ensure();

        Assert.Equal(
            ["ca.crt", "ca.key"],
            Files().Where(file => before[file.Key] == file.Value).Select(file => file.Key).Order());
    }

    [Fact]
    public void Ensure_of_another_cluster_renews_those_of_nodes()
    {
        Ensure();

        var certificates = LocalCertificates.Ensure(_folder, "other", [0], _time);

        Assert.Equal(
            CertificateIdentity.ForNode("other", 0),
            CertificateReport.Read(certificates.Node(0).Certificate, null, null, _time)[0].Identity);
    }

    [Theory]
    [InlineData("ca.key")]
    [InlineData("ca.crt")]
    [InlineData("node_1.key")]
    [InlineData("node_1.crt")]
    public void Ensure_with_a_file_gone_makes_what_fits_again(string gone)
    {
        Ensure();
        File.Delete(Path.Combine(_folder, gone));

        LocalCertificates certificates = Ensure();

        Assert.True(CertificateReport.Read(
            certificates.Node(1).Certificate, certificates.Node(1).Key, certificates.Authority, _time)[0].IsUsable);
    }

    /// <summary>What a crash between the two renames of a renewal leaves.</summary>
    [Theory]
    [InlineData("ca.key")]
    [InlineData("node_1.key")]
    public void Ensure_with_a_key_of_another_certificate_makes_what_fits_again(string torn)
    {
        Ensure();
        File.Copy(Path.Combine(_folder, "node_2.key"), Path.Combine(_folder, torn), overwrite: true);

        LocalCertificates certificates = Ensure();

        Assert.True(CertificateReport.Read(
            certificates.Node(1).Certificate, certificates.Node(1).Key, certificates.Authority, _time)[0].IsUsable);
    }

    private LocalCertificates Ensure() => LocalCertificates.Ensure(_folder, "orders", [0, 1, 2], _time);

    private Dictionary<string, string> Files() =>
        Directory.GetFiles(_folder).ToDictionary(path => Path.GetFileName(path), File.ReadAllText);
}

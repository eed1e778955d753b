using KvCloud.Node.Configuration;
using KvCloud.Node.Diagnostics;
using KvCloud.Node.Tls;
using KvCloud.Tests.Node.Tls;
using KvCloud.Tests.Support;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Time.Testing;

namespace KvCloud.Tests.Node.Diagnostics;

/// <summary>What /health says of how a node is secured.</summary>
public sealed class SecurityCheckTests
{
    [Fact]
    public async Task CheckHealthAsync_node_that_was_told_to_do_without_tls_says_so()
    {
        NodeOptions options = new()
        {
            Listen = new ListenerOptions { Address = "*" },
            Security = new SecurityOptions { Insecure = true },
        };

        HealthCheckResult result = await CheckAsync(options, certificates: null);

        Assert.Equal(HealthStatus.Healthy, result.Status);
        Assert.Equal(
            "security.insecure is set: this node listens on * without TLS (tls.clients, tls.http), and whoever reaches"
            + " it can read, change and delete all data",
            result.Description);
    }

    [Fact]
    public async Task CheckHealthAsync_node_on_loopback_says_no_more_than_that() =>
        Assert.Equal(
            "no TLS, and reached from this machine only",
            (await CheckAsync(new NodeOptions(), certificates: null)).Description);

    [Fact]
    public async Task CheckHealthAsync_certificates_that_end_soon_or_cannot_be_loaded_degrade_the_node()
    {
        using var ca = new TestCa();
        PemPair pair = ca.Node(2, to: DateTimeOffset.UtcNow.AddDays(100));
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var store = CertificateStore.Open(CertificateStoreTests.Options(pair, ca.CaFile), time);
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(new NodeOptions(), store)).Status);

        string text = await File.ReadAllTextAsync(pair.Key);
        File.Delete(pair.Key);
        store.Poll();
        HealthCheckResult broken = await CheckAsync(new NodeOptions(), store);
        Assert.Equal(HealthStatus.Degraded, broken.Status);
        Assert.Contains($"{pair.Key} does not exist", broken.Description, StringComparison.Ordinal);

        await File.WriteAllTextAsync(pair.Key, text);
        store.Poll();
        time.Advance(TimeSpan.FromDays(80));
        HealthCheckResult ends = await CheckAsync(new NodeOptions(), store);
        Assert.Equal(HealthStatus.Degraded, ends.Status);
        Assert.Contains("replace it", ends.Description, StringComparison.Ordinal);
    }

    private static Task<HealthCheckResult> CheckAsync(NodeOptions options, CertificateStore? certificates) =>
        new SecurityCheck(
            options with { Tls = TlsRules.WithDefaults(options.Tls) }, NodeTopology.From(options), certificates)
            .CheckHealthAsync(new HealthCheckContext());
}

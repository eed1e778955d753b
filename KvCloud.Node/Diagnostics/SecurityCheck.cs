using KvCloud.Node.Configuration;
using KvCloud.Node.Tls;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace KvCloud.Node.Diagnostics;

/// <summary>
/// Says how this node is secured. A certificate that ends soon, or files that cannot be loaded, degrade it: it still
/// serves, and somebody has to act.
/// </summary>
internal sealed class SecurityCheck(NodeOptions options, NodeTopology topology, CertificateStore? certificates = null)
    : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(Judge());

    private HealthCheckResult Judge()
    {
        Dictionary<string, object> details = new()
        {
            ["tls_clients"] = Name(options.Tls.Clients),
            ["tls_peers"] = Name(options.Tls.Peers),
            ["tls_http"] = Name(options.Tls.Http),
        };
        string insecurity = Insecurity.Of(options, topology) ?? "";
        if (certificates is null)
        {
            return HealthCheckResult.Healthy(
                insecurity.Length > 0 ? insecurity : "no TLS, and reached from this machine only", details);
        }

        CertificateSet set = certificates.Current;
        details["certificate_ends"] = set.NotAfter.ToString("O");
        if (set.CaNotAfter is DateTimeOffset ca)
        {
            details["ca_ends"] = ca.ToString("O");
        }

        string? trouble = CertificateExpiry.Of(certificates, certificates.Now)
            ?? (certificates.Failure is string failure ? $"the former certificates are in use: {failure}" : null);
        return trouble is not null
            ? HealthCheckResult.Degraded(trouble, data: details)
            : HealthCheckResult.Healthy(insecurity.Length > 0 ? insecurity : "TLS", details);
    }

    private static string Name<T>(T? mode)
        where T : struct, Enum => mode?.ToString().ToLowerInvariant() ?? "off";
}

using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace KvCloud.Node.Tls;

internal static class TlsServices
{
    /// <summary>Registers what speaks TLS on this node; nothing without certificates.</summary>
    public static IServiceCollection AddNodeTls(this IServiceCollection services, CertificateStore? certificates)
    {
        if (certificates is null)
        {
            return services;
        }

        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(certificates);
        services.AddSingleton(provider =>
            new TlsMetrics(provider.GetRequiredService<IMeterFactory>(), certificates));
        if (certificates.Options.Clients != TlsMode.Off)
        {
            services.AddSingleton<ClientTls>();
        }

        if (certificates.Options.HasPeers && certificates.Options.Peers != TlsMode.Off)
        {
            services.AddSingleton<PeerTls>();
        }

        services.AddHostedService<CertificateWatch>();
        return services;
    }
}

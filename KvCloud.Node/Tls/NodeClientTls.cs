using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace KvCloud.Node.Tls;

/// <summary>
/// A call to another node's port for clients. Any node of the cluster may answer there; this one shows no certificate,
/// for it comes as a user does.
/// </summary>
internal static class NodeClientTls
{
    public static SslClientAuthenticationOptions OptionsOf(CertificateStore store) => new()
    {
        TargetHost = "",
        EnabledSslProtocols = store.Options.Protocols,
        CertificateChainPolicy = CertificateChecks.PolicyOf(store.Current.Roots!, store.Now),
        RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
            certificate is X509Certificate2 shown
            && CertificateChecks.WhyNotTrusted(shown, chain, errors) is null
            && CertificateNames.Of(shown).Any(store.Options.Node.IsNodeOfCluster),
        AllowRenegotiation = false,
        AllowTlsResume = false,
    };
}

using System.Globalization;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace KvCloud.Node.Tls;

/// <summary>By what rules a certificate is believed, and words for why one is not.</summary>
internal static class CertificateChecks
{
    /// <summary>
    /// Only the CAs of our own file count. Nothing is fetched: a stranger's certificate must not make this node call
    /// the addresses that it names.
    /// </summary>
    public static X509ChainPolicy PolicyOf(X509Certificate2Collection roots, DateTimeOffset now)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
            VerificationTimeIgnored = false,
            VerificationTime = now.LocalDateTime,
        };
        policy.CustomTrustStore.AddRange(roots);
        return policy;
    }

    /// <summary>Why the other's certificate is not believed; null if it is. Its names are another question.</summary>
    public static string? WhyNotTrusted(X509Certificate2? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (certificate is null)
        {
            return "it has shown no certificate";
        }

        string whose = $"its certificate, of {CertificateNames.Describe(certificate)},";
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable))
        {
            return "it has shown no certificate";
        }

        return errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors)
            ? $"{whose} {Describe(certificate, chain)}"
            : null;
    }

    /// <summary>The worst that is wrong with a chain.</summary>
    public static string Describe(X509Certificate2 certificate, X509Chain? chain)
    {
        X509ChainStatus[] found = chain?.ChainStatus ?? [];
        X509ChainStatusFlags flags = found.Aggregate(
            X509ChainStatusFlags.NoError, (sum, status) => sum | status.Status);
        return (flags & (X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.PartialChain)) != 0
                ? "is not of a CA that is trusted here"
            : flags.HasFlag(X509ChainStatusFlags.NotTimeValid)
                ? $"or one above it is not valid now (it is from {Day(certificate.NotBefore)} to"
                    + $" {Day(certificate.NotAfter)})"
            : flags.HasFlag(X509ChainStatusFlags.NotValidForUsage)
                ? "is not meant for this use (extended key usage)"
            : found.Length > 0 ? $"is not valid: {found[0].StatusInformation.Trim()}"
            : "is not valid";
    }

    public static string Day(DateTime time) =>
        time.ToUniversalTime().ToString("yyyy-MM-dd HH:mm'Z'", CultureInfo.InvariantCulture);
}

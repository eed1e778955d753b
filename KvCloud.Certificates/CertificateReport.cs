using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace KvCloud.Certificates;

/// <summary>What is in a certificate, and whether it can be used.</summary>
internal sealed record CertificateReport
{
    public required string File { get; init; }

    public required string Subject { get; init; }

    public required string Issuer { get; init; }

    public required string Serial { get; init; }

    /// <summary>SHA-256 of the whole certificate.</summary>
    public required string Fingerprint { get; init; }

    public required bool IsAuthority { get; init; }

    /// <summary>The node or user of KvCloud that it names; null if it names none.</summary>
    public required CertificateIdentity? Identity { get; init; }

    public required AlternativeNames Names { get; init; }

    public required DateTimeOffset NotBefore { get; init; }

    public required DateTimeOffset NotAfter { get; init; }

    /// <summary>Whole days until it expires; negative if it has.</summary>
    public required int DaysLeft { get; init; }

    /// <summary>Whether it is good at this moment.</summary>
    public required bool IsCurrent { get; init; }

    /// <summary>Whether the key is that of the certificate; null without a key to compare.</summary>
    public required bool? KeyMatches { get; init; }

    /// <summary>Why it does not chain to the CA; empty if it does, null without a CA to ask.</summary>
    public required string? ChainProblem { get; init; }

    /// <summary>Whether it is good now, and has the key and the CA it was compared with.</summary>
    public bool IsUsable => IsCurrent && KeyMatches != false && ChainProblem is null or "";

    /// <summary>Reads all certificates of a file.</summary>
    /// <param name="path">A certificate, a chain, or a bundle of CAs.</param>
    /// <param name="key">The key of the first one; null to compare none.</param>
    /// <param name="authorities">A bundle of CAs; null to ask none.</param>
    /// <exception cref="CertificateException">A file cannot be read.</exception>
    public static IReadOnlyList<CertificateReport> Read(
        string path, string? key, string? authorities, TimeProvider time)
    {
        IReadOnlyList<X509Certificate2> certificates = CertificateFile.Read(path);
        IReadOnlyList<X509Certificate2> roots = authorities is null ? [] : CertificateFile.Read(authorities);
        try
        {
            return
            [
                .. certificates.Select((certificate, index) => Of(
                    path,
                    certificate,
                    index == 0 && key is not null ? Matches(certificate, key) : null,
                    authorities is null ? null : ProblemOf(certificate, certificates, roots, time),
                    time)),
            ];
        }
        finally
        {
            foreach (X509Certificate2 certificate in certificates.Concat(roots))
            {
                certificate.Dispose();
            }
        }
    }

    private static CertificateReport Of(
        string path, X509Certificate2 certificate, bool? keyMatches, string? chainProblem, TimeProvider time)
    {
        DateTimeOffset now = time.GetUtcNow();
        DateTimeOffset from = certificate.NotBefore.ToUniversalTime();
        DateTimeOffset until = certificate.NotAfter.ToUniversalTime();
        var names = AlternativeNames.Of(certificate);
        return new CertificateReport
        {
            File = path,
            Subject = certificate.Subject,
            Issuer = certificate.Issuer,
            Serial = certificate.SerialNumber,
            Fingerprint = certificate.GetCertHashString(HashAlgorithmName.SHA256),
            IsAuthority = certificate.Extensions.OfType<X509BasicConstraintsExtension>()
                .Any(basic => basic.CertificateAuthority),
            Identity = names.Uris.Select(CertificateIdentity.Parse).FirstOrDefault(identity => identity is not null),
            Names = names,
            NotBefore = from,
            NotAfter = until,
            DaysLeft = (int)Math.Floor((until - now).TotalDays),
            IsCurrent = from <= now && now < until,
            KeyMatches = keyMatches,
            ChainProblem = chainProblem,
        };
    }

    private static bool Matches(X509Certificate2 certificate, string key)
    {
        using X509Certificate2? both = CertificateFile.WithKey(certificate, PemFile.Read(key), key);
        return both is not null;
    }

    private static string ProblemOf(
        X509Certificate2 certificate,
        IEnumerable<X509Certificate2> beside,
        IEnumerable<X509Certificate2> roots,
        TimeProvider time)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTimeIgnored = false;
        chain.ChainPolicy.VerificationTime = time.GetUtcNow().UtcDateTime;
        chain.ChainPolicy.CustomTrustStore.AddRange((X509Certificate2[])[.. roots]);
        chain.ChainPolicy.ExtraStore.AddRange((X509Certificate2[])[.. beside]);
        return chain.Build(certificate)
            ? ""
            : string.Join("; ", chain.ChainStatus.Select(status => status.StatusInformation.Trim()).Distinct());
    }
}

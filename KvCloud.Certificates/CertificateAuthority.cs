using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace KvCloud.Certificates;

/// <summary>Signs the certificates of nodes and clients.</summary>
internal sealed class CertificateAuthority : IDisposable
{
    private const int SerialBytes = 16;
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    private readonly X509Certificate2 _certificate;
    private readonly TimeProvider _time;

    private CertificateAuthority(X509Certificate2 certificate, TimeProvider time)
    {
        _certificate = certificate;
        _time = time;
    }

    /// <summary>A new CA, whose key signs certificates of nodes and clients and no further CA.</summary>
    /// <param name="name">Begins its common name; the rest is random, so that no two CAs have the same.</param>
    public static IssuedCertificate Create(string name, int days, TimeProvider time)
    {
        if (name.Trim().Length is 0 or > CertificateIdentity.MaxNameLength - 9 || name.Any(char.IsControl))
        {
            throw new CertificateRequestException($"\"{name}\" is no name of a CA: it must be 1 to 55 characters.");
        }

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string unique = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4));
        var request = new CertificateRequest(Subject($"{name.Trim()} {unique}"), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(
            certificateAuthority: true, hasPathLengthConstraint: true, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(
            X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        (DateTimeOffset from, DateTimeOffset until) = Validity(days, time);
        using X509Certificate2 certificate = request.Create(
            request.SubjectName, X509SignatureGenerator.CreateForECDsa(key), from, until, Serial());
        return new IssuedCertificate(Pem(certificate), key.ExportPkcs8PrivateKeyPem() + '\n');
    }

    /// <summary>The CA of these files.</summary>
    /// <param name="certificates">Its certificate, or a bundle with it: the one whose key this is.</param>
    /// <exception cref="CertificateException">The files hold none.</exception>
    public static CertificateAuthority Load(string certificates, string key, TimeProvider time)
    {
        string keyPem = PemFile.Read(key);
        foreach (X509Certificate2 certificate in CertificateFile.Read(certificates))
        {
            using (certificate)
            {
                if (CertificateFile.WithKey(certificate, keyPem, key) is { } both)
                {
                    return IsAuthority(both)
                        ? new CertificateAuthority(both, time)
                        : throw new CertificateException($"{certificates} is the certificate of no CA.");
                }
            }
        }

        throw new CertificateException($"{key} is the key of no certificate in {certificates}.");
    }

    /// <summary>A certificate for TLS on both sides: a node accepts connections, and makes them to its peers.</summary>
    /// <param name="hosts">DNS names and addresses that clients and peers reach it at.</param>
    /// <param name="also">Other nodes that it may become.</param>
    public IssuedCertificate IssueNode(
        CertificateIdentity node,
        IReadOnlyCollection<string> hosts,
        int days,
        IReadOnlyCollection<CertificateIdentity>? also = null) =>
        Issue(node, also ?? [], hosts, days, [ServerAuthentication, ClientAuthentication]);

    /// <summary>A certificate for TLS on the side that connects.</summary>
    public IssuedCertificate IssueClient(CertificateIdentity user, int days) =>
        Issue(user, [], [], days, [ClientAuthentication]);

    public void Dispose() => _certificate.Dispose();

    private IssuedCertificate Issue(
        CertificateIdentity identity,
        IReadOnlyCollection<CertificateIdentity> also,
        IReadOnlyCollection<string> hosts,
        int days,
        string[] usages)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(Subject(identity.CommonName), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(
            X509KeyUsageFlags.DigitalSignature, critical: true));
        var purposes = new OidCollection();
        foreach (string usage in usages)
        {
            purposes.Add(new Oid(usage));
        }

        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(purposes, critical: false));
        request.CertificateExtensions.Add(AlternativeNames.Of(also.Prepend(identity), hosts).Encode());
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(
            _certificate, includeKeyIdentifier: HasKeyIdentifier(_certificate), includeIssuerAndSerial: false));
        (DateTimeOffset from, DateTimeOffset until) = Within(_certificate, Validity(days, _time));
        using X509Certificate2 certificate = Sign(request, from, until);
        return new IssuedCertificate(Pem(certificate), key.ExportPkcs8PrivateKeyPem() + '\n');
    }

    private X509Certificate2 Sign(CertificateRequest request, DateTimeOffset from, DateTimeOffset until)
    {
        using ECDsa? curve = _certificate.GetECDsaPrivateKey();
        using RSA? rsa = _certificate.GetRSAPrivateKey();
        X509SignatureGenerator signer = curve is not null ? X509SignatureGenerator.CreateForECDsa(curve)
            : rsa is not null ? X509SignatureGenerator.CreateForRSA(rsa, RSASignaturePadding.Pkcs1)
            : throw new CertificateException("The CA's key is neither ECDSA nor RSA.");
        return request.Create(_certificate.SubjectName, signer, from, until, Serial());
    }

    /// <summary>No certificate outlives its CA: those who check would find it good and its chain bad.</summary>
    private (DateTimeOffset From, DateTimeOffset Until) Within(
        X509Certificate2 authority, (DateTimeOffset From, DateTimeOffset Until) wanted)
    {
        DateTimeOffset now = _time.GetUtcNow();
        DateTimeOffset from = authority.NotBefore;
        DateTimeOffset until = authority.NotAfter;
        return now >= from && now < until
            ? (wanted.From > from ? wanted.From : from, wanted.Until < until ? wanted.Until : until)
            : throw new CertificateException(FormattableString.Invariant(
                $"The CA is good from {from.UtcDateTime:u} to {until.UtcDateTime:u}, and it is {now.UtcDateTime:u}."));
    }

    private static (DateTimeOffset From, DateTimeOffset Until) Validity(int days, TimeProvider time)
    {
        if (days is < 1 or > CertificateLifetimes.MaxDays)
        {
            throw new CertificateRequestException(FormattableString.Invariant(
                $"{days} days are no lifetime: it must be 1 to {CertificateLifetimes.MaxDays} days."));
        }

        DateTimeOffset now = time.GetUtcNow();
        return (now - CertificateLifetimes.Backdating, now.AddDays(days));
    }

    /// <summary>A positive number of 127 random bits: nobody can tell the next one.</summary>
    private static byte[] Serial()
    {
        byte[] serial = RandomNumberGenerator.GetBytes(SerialBytes);
        serial[0] &= 0x7f;
        serial[0] |= 0x40;
        return serial;
    }

    private static X500DistinguishedName Subject(string commonName)
    {
        var subject = new X500DistinguishedNameBuilder();
        subject.AddCommonName(commonName);
        return subject.Build();
    }

    private static bool IsAuthority(X509Certificate2 certificate) =>
        certificate.Extensions.OfType<X509BasicConstraintsExtension>().Any(basic => basic.CertificateAuthority);

    private static bool HasKeyIdentifier(X509Certificate2 certificate) =>
        certificate.Extensions.OfType<X509SubjectKeyIdentifierExtension>().Any();

    private static string Pem(X509Certificate2 certificate) => certificate.ExportCertificatePem() + '\n';
}

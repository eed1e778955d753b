using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace KvCloud.Certificates;

/// <summary>Certificates and keys as they are in PEM files.</summary>
internal static class CertificateFile
{
    /// <summary>All certificates of a file, in its order; the caller disposes them.</summary>
    /// <exception cref="CertificateException">The file cannot be read, or holds no certificate.</exception>
    public static IReadOnlyList<X509Certificate2> Read(string path)
    {
        var certificates = new X509Certificate2Collection();
        try
        {
            certificates.ImportFromPem(PemFile.Read(path));
        }
        catch (CryptographicException exception)
        {
            throw new CertificateException(
                $"{path} holds a certificate that cannot be read: {exception.Message}", exception);
        }

        return certificates.Count > 0
            ? [.. certificates]
            : throw new CertificateException($"{path} holds no certificate in PEM.");
    }

    /// <summary>Trusts the CAs of a file and no others.</summary>
    /// <exception cref="CertificateException">The file cannot be read, or holds no certificate.</exception>
    public static X509ChainPolicy Trusting(string authorities)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.AddRange((X509Certificate2[])[.. Read(authorities)]);
        return policy;
    }

    /// <summary>The certificate with its private key; null if the key is that of another.</summary>
    /// <param name="path">The file of the key, for messages.</param>
    /// <exception cref="CertificateException">The key cannot be read.</exception>
    public static X509Certificate2? WithKey(X509Certificate2 certificate, string keyPem, string path)
    {
        using AsymmetricAlgorithm key = KeyOf(certificate, keyPem, path);
        try
        {
            return key switch
            {
                ECDsa curve => certificate.CopyWithPrivateKey(curve),
                RSA rsa => certificate.CopyWithPrivateKey(rsa),
                _ => null,
            };
        }
        catch (ArgumentException)
        {
            // A key of another curve, or another key.
            return null;
        }
    }

    private static AsymmetricAlgorithm KeyOf(X509Certificate2 certificate, string keyPem, string path)
    {
        using ECDsa? curve = certificate.GetECDsaPublicKey();
        AsymmetricAlgorithm key = curve is not null ? ECDsa.Create() : RSA.Create();
        try
        {
            key.ImportFromPem(keyPem);
            return key;
        }
        catch (Exception exception) when (exception is ArgumentException or CryptographicException)
        {
            key.Dispose();
            throw new CertificateException(
                $"{path} holds no private key that can be read: {exception.Message}", exception);
        }
    }
}

using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace KvCloud.Node.Tls;

/// <summary>What the PEM files held when they were read, checked. Immutable.</summary>
internal sealed class CertificateSet
{
    private CertificateSet(
        X509Certificate2 certificate,
        SslStreamCertificateContext context,
        X509Certificate2Collection? roots,
        DateTimeOffset? caNotAfter)
    {
        Certificate = certificate;
        Context = context;
        Roots = roots;
        CaNotAfter = caNotAfter;
    }

    /// <summary>This node's own, with its key.</summary>
    public X509Certificate2 Certificate { get; }

    /// <summary>It and those between it and the CA, as they are sent.</summary>
    public SslStreamCertificateContext Context { get; }

    /// <summary>The CAs that are trusted; null: nobody's certificate can be checked.</summary>
    public X509Certificate2Collection? Roots { get; }

    public DateTimeOffset NotAfter => Certificate.NotAfter.ToUniversalTime();

    /// <summary>When the CA of this node's certificate ends; null without a CA.</summary>
    public DateTimeOffset? CaNotAfter { get; }

    /// <summary>The intermediate certificates and the key's file are read whole before anything is decided.</summary>
    /// <exception cref="CertificateException">A file cannot be used.</exception>
    public static CertificateSet Load(TlsOptions options, PemFiles files, DateTimeOffset now)
    {
        X509Certificate2Collection chain = ReadCertificates("certificate", files.Certificate);
        X509Certificate2 leaf = WithKey(files.Certificate, files.Key);
        X509Certificate2Collection? roots = files.Ca is null ? null : ReadCertificates("ca", files.Ca);
        chain.RemoveAt(0);
        CheckTimes(leaf, files.Certificate.Path, now);
        CheckNames(options, leaf, files.Certificate.Path);
        CheckUsage(options, leaf, files.Certificate.Path);
        DateTimeOffset? caNotAfter = roots is null
            ? null
            : EndOfCa(leaf, chain, roots, files.Certificate.Path, files.Ca!.Path, now);
        return new CertificateSet(
            leaf, SslStreamCertificateContext.Create(leaf, chain, offline: true), roots, caNotAfter);
    }

    private static X509Certificate2Collection ReadCertificates(string setting, PemFile file)
    {
        X509Certificate2Collection found = [];
        try
        {
            found.ImportFromPem(file.Text);
        }
        catch (CryptographicException error)
        {
            throw new CertificateException(setting, file.Path, $"holds a broken certificate: {error.Message}", error);
        }

        return found.Count > 0
            ? found
            : throw new CertificateException(
                setting, file.Path, "holds no certificate (-----BEGIN CERTIFICATE-----)");
    }

    private static X509Certificate2 WithKey(PemFile certificate, PemFile key)
    {
        if (!key.Text.Contains("PRIVATE KEY-----", StringComparison.Ordinal))
        {
            throw new CertificateException("key", key.Path, "holds no private key (-----BEGIN PRIVATE KEY-----)");
        }

        if (key.Text.Contains("ENCRYPTED", StringComparison.Ordinal))
        {
            throw new CertificateException(
                "key", key.Path, "is encrypted; a node needs a key without a password, in a file that it alone reads");
        }

        try
        {
            using var ephemeral = X509Certificate2.CreateFromPem(certificate.Text, key.Text);

            // Windows cannot serve with a key that was never stored.
            return OperatingSystem.IsWindows()
                ? X509CertificateLoader.LoadPkcs12(ephemeral.Export(X509ContentType.Pkcs12), password: null)
                : new X509Certificate2(ephemeral);
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException)
        {
            throw new CertificateException(
                "key", key.Path, $"is not the key of the first certificate in {certificate.Path}: {error.Message}",
                error);
        }
    }

    private static void CheckTimes(X509Certificate2 leaf, string path, DateTimeOffset now)
    {
        if (now > leaf.NotAfter.ToUniversalTime())
        {
            throw new CertificateException(
                "certificate", path, $"has expired on {CertificateChecks.Day(leaf.NotAfter)}");
        }

        if (now < leaf.NotBefore.ToUniversalTime())
        {
            throw new CertificateException(
                "certificate", path,
                $"is valid from {CertificateChecks.Day(leaf.NotBefore)} on, and it is"
                + $" {CertificateChecks.Day(now.UtcDateTime)} here");
        }
    }

    /// <summary>A certificate that names no node serves clients; peers ask for the name.</summary>
    private static void CheckNames(TlsOptions options, X509Certificate2 leaf, string path)
    {
        IReadOnlyList<string> names = CertificateNames.Of(leaf);
        bool isPeer = options.HasPeers && options.Peers != TlsMode.Off;
        if ((isPeer || names.Count > 0) && !names.Contains(options.Node.Uri))
        {
            throw new CertificateException(
                "certificate", path,
                $"is of {CertificateNames.Describe(leaf)}; the certificate of this node has the URI"
                + $" {options.Node.Uri} among its subject alternative names");
        }

        string[] missing =
        [
            .. options.ReplacementIds.Select(id => (options.Node with { NodeId = id }).Uri).Except(names),
        ];
        if (isPeer && missing.Length > 0)
        {
            throw new CertificateException(
                "certificate", path,
                $"does not name {string.Join(", ", missing)}; with deployment.replacement_ids it names these nodes too"
                + " (kv cert create-node --also)");
        }
    }

    private static void CheckUsage(TlsOptions options, X509Certificate2 leaf, string path)
    {
        const string Server = "1.3.6.1.5.5.7.3.1";
        const string Client = "1.3.6.1.5.5.7.3.2";
        X509EnhancedKeyUsageExtension? usage = leaf.Extensions.OfType<X509EnhancedKeyUsageExtension>().FirstOrDefault();
        if (usage is null)
        {
            return;
        }

        string[] allowed = [.. from Oid oid in usage.EnhancedKeyUsages select oid.Value!];
        if (!allowed.Contains(Server))
        {
            throw new CertificateException("certificate", path, "is not meant for a server (serverAuth)");
        }

        if (options.HasPeers && options.Peers != TlsMode.Off && !allowed.Contains(Client))
        {
            throw new CertificateException(
                "certificate", path, "is not meant for a client (clientAuth), and a replica calls its peers with it");
        }
    }

    private static DateTimeOffset EndOfCa(
        X509Certificate2 leaf,
        X509Certificate2Collection between,
        X509Certificate2Collection roots,
        string path,
        string caPath,
        DateTimeOffset now)
    {
        using var chain = new X509Chain { ChainPolicy = CertificateChecks.PolicyOf(roots, now) };
        chain.ChainPolicy.ExtraStore.AddRange(between);
        if (!chain.Build(leaf))
        {
            throw new CertificateException(
                "certificate", path,
                $"{CertificateChecks.Describe(leaf, chain)}, as {caPath} has it (tls.ca)");
        }

        return chain.ChainElements[^1].Certificate.NotAfter.ToUniversalTime();
    }
}

using System.Globalization;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace KvCloud.Client.Connections;

/// <summary>Speaks TLS on connections, and says what is wrong where it cannot.</summary>
internal sealed class ClientTls(TlsSettings settings)
{
    private readonly TlsFiles _files = new(settings);

    /// <exception cref="IOException">There is no TLS on this connection; the message says why.</exception>
    public async Task<Stream> AuthenticateAsync(Stream plain, string host, CancellationToken cancellationToken)
    {
        var secure = new SslStream(plain, leaveInnerStreamOpen: false);
        string? objection = null;
        try
        {
            await secure.AuthenticateAsClientAsync(OptionsFor(host, why => objection = why), cancellationToken)
                .ConfigureAwait(false);
            return secure;
        }
        catch (Exception error) when (error is AuthenticationException or IOException)
        {
            await secure.DisposeAsync().ConfigureAwait(false);
            throw new IOException(objection ?? WordsOf(error), error);
        }
        catch
        {
            await secure.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static string WordsOf(Exception error) => error switch
    {
        AuthenticationException { InnerException: { } inner } =>
            $"the TLS handshake failed, perhaps because the server refuses what this client shows: {inner.Message}",
        AuthenticationException => $"the TLS handshake failed; perhaps the server speaks clear text: {error.Message}",
        _ => $"the server ended the TLS handshake; perhaps it speaks clear text: {error.Message}",
    };

    private static string Day(DateTime time) =>
        time.ToUniversalTime().ToString("yyyy-MM-dd HH:mm'Z'", CultureInfo.InvariantCulture);

    private static string NamesOf(X509Certificate2 certificate)
    {
        X509SubjectAlternativeNameExtension[] extensions =
            [.. certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>()];
        string[] names =
        [
            .. extensions.SelectMany(names => names.EnumerateDnsNames()),
            .. extensions.SelectMany(names => names.EnumerateIPAddresses()).Select(address => address.ToString()),
        ];
        return names.Length > 0 ? string.Join(", ", names) : $"no host ({certificate.Subject})";
    }

    /// <summary>The target host differs from node to node unless the settings name one for all.</summary>
    private SslClientAuthenticationOptions OptionsFor(string host, Action<string> onObjection)
    {
        TlsFiles.Loaded files = _files.Current();
        SslClientAuthenticationOptions? custom = settings.Custom;
        string target = settings.ServerName ?? custom?.TargetHost ?? host;
        return new SslClientAuthenticationOptions
        {
            TargetHost = target,
            ClientCertificates = custom?.ClientCertificates,
            ClientCertificateContext = files.Own ?? custom?.ClientCertificateContext,
            LocalCertificateSelectionCallback = custom?.LocalCertificateSelectionCallback,
            RemoteCertificateValidationCallback = custom?.RemoteCertificateValidationCallback
                ?? ((_, certificate, chain, errors) => IsTrusted(target, certificate, chain, errors, onObjection)),
            CertificateChainPolicy = files.Roots is null ? custom?.CertificateChainPolicy : PolicyOf(files.Roots),
            CertificateRevocationCheckMode =
                custom?.CertificateRevocationCheckMode ?? X509RevocationMode.NoCheck,
            EnabledSslProtocols = custom?.EnabledSslProtocols ?? settings.Protocols,
            EncryptionPolicy = custom?.EncryptionPolicy ?? EncryptionPolicy.RequireEncryption,
            CipherSuitesPolicy = custom?.CipherSuitesPolicy,
            ApplicationProtocols = custom?.ApplicationProtocols,
            AllowRenegotiation = custom?.AllowRenegotiation ?? false,
            AllowTlsResume = custom?.AllowTlsResume ?? true,
        };
    }

    private static X509ChainPolicy PolicyOf(X509Certificate2Collection roots)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.AddRange(roots);
        return policy;
    }

    private bool IsTrusted(
        string target, X509Certificate? shown, X509Chain? chain, SslPolicyErrors errors, Action<string> onObjection)
    {
        if (errors == SslPolicyErrors.None)
        {
            return true;
        }

        onObjection(shown is X509Certificate2 certificate
            ? Objection(target, certificate, chain, errors)
            : "the server has shown no certificate");
        return false;
    }

    private string Objection(
        string target, X509Certificate2 certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (!errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors))
        {
            return $"the server's certificate is for {NamesOf(certificate)}, and not for {target}"
                + " (setting TlsServerName expects another name)";
        }

        X509ChainStatusFlags flags = (chain?.ChainStatus ?? []).Aggregate(
            X509ChainStatusFlags.NoError, (sum, status) => sum | status.Status);
        return (flags & (X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.PartialChain)) != 0
                ? $"the server's certificate is not of a CA that {(settings.Ca is null
                    ? "this machine trusts (setting TlsCa names others)"
                    : $"is in {settings.Ca}")}"
            : flags.HasFlag(X509ChainStatusFlags.NotTimeValid)
                ? $"the server's certificate, or one above it, is not valid now (it is from"
                    + $" {Day(certificate.NotBefore)} to {Day(certificate.NotAfter)})"
            : $"the server's certificate is not valid: {chain?.ChainStatus.FirstOrDefault().StatusInformation}";
    }
}

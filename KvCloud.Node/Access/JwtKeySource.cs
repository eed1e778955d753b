using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using KvCloud.Node.Tls;

namespace KvCloud.Node.Access;

/// <summary>Where an identity provider's keys are read: a file, or an https URL.</summary>
/// <param name="ca">PEM file of the CAs that the URL's server is held to; null for those of the machine.</param>
internal sealed class JwtKeySource(string source, string? ca, TimeProvider time)
{
    private static readonly TimeSpan ReadTimeout = TimeSpan.FromSeconds(5);

    /// <exception cref="HttpRequestException">The server is away, or its certificate is not good.</exception>
    public async Task<string> ReadAsync()
    {
        if (!Uri.TryCreate(source, UriKind.Absolute, out Uri? uri) || uri.Scheme != Uri.UriSchemeHttps)
        {
            return await File.ReadAllTextAsync(source).ConfigureAwait(false);
        }

        // Made anew for each reading, of which there are few: the files of the CA may have changed.
        using var handler = new SocketsHttpHandler();
        string? objection = null;
        if (ca is not null)
        {
            handler.SslOptions.CertificateChainPolicy = CertificateChecks.PolicyOf(ReadRoots(ca), time.GetUtcNow());
        }

        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
        {
            objection = certificate is null ? "it has shown no certificate"
                : errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch)
                    ? $"its certificate is not made out for {uri.Host}"
                    : CertificateChecks.WhyNotTrusted((X509Certificate2)certificate, chain, errors);
            return objection is null;
        };
        using var http = new HttpClient(handler)
        {
            Timeout = ReadTimeout,
            MaxResponseContentBufferSize = JwtKeys.MaxBytes,
        };
        try
        {
            return await http.GetStringAsync(uri).ConfigureAwait(false);
        }
        catch (HttpRequestException exception) when (objection is not null)
        {
            throw new HttpRequestException($"{uri.Host} is not trusted: {objection}", null, exception.StatusCode);
        }
    }

    private static X509Certificate2Collection ReadRoots(string path)
    {
        var roots = new X509Certificate2Collection();
        try
        {
            roots.ImportFromPemFile(path);
        }
        catch (Exception exception) when (exception is CryptographicException or IOException
            or UnauthorizedAccessException)
        {
            throw new HttpRequestException($"jwt.keys_ca: {path} cannot be read: {exception.Message}");
        }

        return roots.Count > 0 ? roots
            : throw new HttpRequestException($"jwt.keys_ca: {path} holds no certificate");
    }
}

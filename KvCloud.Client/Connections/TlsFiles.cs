using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace KvCloud.Client.Connections;

/// <summary>
/// The certificates of the settings' PEM files. They are looked at with each connection: what has changed is used from
/// then on, and what cannot be used replaces nothing. Thread-safe.
/// </summary>
internal sealed class TlsFiles
{
    private readonly TlsSettings _settings;
    private readonly Lock _lock = new();
    private (DateTime Ca, DateTime Certificate, DateTime Key) _written;
    private Loaded _current;

    /// <exception cref="ArgumentException">A file cannot be used; the message names the setting.</exception>
    public TlsFiles(TlsSettings settings)
    {
        _settings = settings;
        _written = Written();
        _current = Load();
    }

    /// <param name="Roots">The CAs that are trusted; null: those of this machine.</param>
    /// <param name="Own">What this client shows; null for nothing.</param>
    internal sealed record Loaded(X509Certificate2Collection? Roots, SslStreamCertificateContext? Own);

    public Loaded Current()
    {
        lock (_lock)
        {
            (DateTime, DateTime, DateTime) written = Written();
            if (written != _written)
            {
                try
                {
                    _current = Load();
                    _written = written;
                }
                catch (ArgumentException)
                {
                    // Still being written, or broken: the next connection looks again.
                }
            }

            return _current;
        }
    }

    private (DateTime Ca, DateTime Certificate, DateTime Key) Written() =>
        (WrittenAt(_settings.Ca), WrittenAt(_settings.Certificate), WrittenAt(_settings.Key));

    /// <summary>Of the file itself, where the path is a link that may be moved.</summary>
    private static DateTime WrittenAt(string? path)
    {
        if (path is null)
        {
            return default;
        }

        try
        {
            var file = new FileInfo(path);
            return (file.ResolveLinkTarget(returnFinalTarget: true) ?? file).LastWriteTimeUtc;
        }
        catch (IOException)
        {
            return default;
        }
    }

    private Loaded Load()
    {
        X509Certificate2Collection? roots = _settings.Ca is null ? null : Read("TlsCa", _settings.Ca);
        if (_settings.Certificate is null != _settings.Key is null)
        {
            throw new ArgumentException("Settings TlsCertificate and TlsKey belong together; only one of them is set.");
        }

        if (_settings.Certificate is null)
        {
            return new Loaded(roots, null);
        }

        X509Certificate2Collection chain = Read("TlsCertificate", _settings.Certificate);
        chain.RemoveAt(0);
        return new Loaded(
            roots,
            SslStreamCertificateContext.Create(
                WithKey(_settings.Certificate, _settings.Key!), chain, offline: true));
    }

    private static X509Certificate2Collection Read(string setting, string path)
    {
        X509Certificate2Collection found = [];
        try
        {
            found.ImportFromPem(File.ReadAllText(path));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new ArgumentException($"Setting {setting}: {path} cannot be read: {error.Message}", error);
        }

        return found.Count > 0
            ? found
            : throw new ArgumentException($"Setting {setting}: {path} holds no certificate.");
    }

    private static X509Certificate2 WithKey(string certificate, string key)
    {
        try
        {
            var pair = X509Certificate2.CreateFromPemFile(certificate, key);
            if (!OperatingSystem.IsWindows())
            {
                return pair;
            }

            // Windows cannot use a key that was never stored.
            using (pair)
            {
                return X509CertificateLoader.LoadPkcs12(pair.Export(X509ContentType.Pkcs12), password: null);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException
            or ArgumentException)
        {
            throw new ArgumentException(
                $"Setting TlsKey: {key} is not the key of the first certificate in {certificate}: {error.Message}",
                error);
        }
    }
}

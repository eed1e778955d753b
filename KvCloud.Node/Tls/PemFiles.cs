namespace KvCloud.Node.Tls;

/// <summary>A file as it was read.</summary>
internal sealed record PemFile(string Path, string Text)
{
    /// <summary>A bundle of a thousand certificates is smaller.</summary>
    private const int MaxBytes = 4 * 1024 * 1024;

    /// <param name="setting">The key in the table [tls] that names the file.</param>
    /// <exception cref="CertificateException">It cannot be read.</exception>
    public static PemFile Read(string setting, string path)
    {
        try
        {
            var file = new FileInfo(path);
            if (file.Exists && file.LinkTarget is null && file.Length > MaxBytes)
            {
                throw new CertificateException(setting, path, $"has more than {MaxBytes} bytes");
            }

            return new PemFile(path, File.ReadAllText(path));
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CertificateException(setting, path, "does not exist", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CertificateException(setting, path, $"cannot be read: {error.Message}", error);
        }
    }
}

/// <summary>All files of a node as they were read, compared by content.</summary>
internal sealed record PemFiles(PemFile Certificate, PemFile Key, PemFile? Ca)
{
    /// <exception cref="CertificateException">One cannot be read.</exception>
    public static PemFiles Read(TlsFiles files) => new(
        PemFile.Read("certificate", files.Certificate),
        PemFile.Read("key", files.Key),
        files.Ca is null ? null : PemFile.Read("ca", files.Ca));
}

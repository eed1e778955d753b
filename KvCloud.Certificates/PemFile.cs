using System.Text;

namespace KvCloud.Certificates;

/// <summary>Writes and reads PEM files.</summary>
internal static class PemFile
{
    public const int MaxBytes = 1024 * 1024;

    private const UnixFileMode OfOwner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OfAll = OfOwner | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>
    /// Writes a certificate and its key: each under another name first, synced, then renamed. The key can be read by
    /// its owner alone from its creation on.
    /// </summary>
    /// <param name="replaces">Whether files that are there are replaced; they are refused otherwise.</param>
    /// <remarks>
    /// Who looks between the two renames finds a key and a certificate that do not match, and has to look again.
    /// </remarks>
    /// <exception cref="CertificateException">A file is there, or the disk refuses.</exception>
    public static void WritePair(string certificate, string key, IssuedCertificate issued, bool replaces)
    {
        foreach (string path in new[] { certificate, key })
        {
            if (!replaces && File.Exists(path))
            {
                throw new CertificateException($"{path} is there already; --force replaces it.");
            }
        }

        string newCertificate = Temporary(certificate);
        string newKey = Temporary(key);
        try
        {
            Directory.CreateDirectory(DirectoryOf(certificate));
            Directory.CreateDirectory(DirectoryOf(key));
            Write(newKey, issued.KeyPem, OfOwner);
            Write(newCertificate, issued.CertificatePem, OfAll);
            File.Move(newKey, key, replaces);
            File.Move(newCertificate, certificate, replaces);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CertificateException(
                $"{certificate} and {key} cannot be written: {exception.Message}", exception);
        }
        finally
        {
            Remove(newKey);
            Remove(newCertificate);
        }
    }

    /// <summary>Copies a CA to where a node or a client is to find it, if there is none; what is there stays.</summary>
    /// <returns>Whether there was none.</returns>
    /// <remarks>It may be a bundle, with a CA that others need to be trusted.</remarks>
    /// <exception cref="CertificateException">A file cannot be read or written.</exception>
    public static bool CopyIfMissing(string authority, string target)
    {
        if (File.Exists(target))
        {
            return false;
        }

        string temporary = Temporary(target);
        try
        {
            Write(temporary, Read(authority), OfAll);
            File.Move(temporary, target, overwrite: false);
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CertificateException($"{target} cannot be written: {exception.Message}", exception);
        }
        finally
        {
            Remove(temporary);
        }
    }

    /// <exception cref="CertificateException">The file cannot be read, or is no PEM file by its size.</exception>
    public static string Read(string path)
    {
        try
        {
            long length = new FileInfo(path).Length;
            return length <= MaxBytes
                ? File.ReadAllText(path)
                : throw new CertificateException($"{path} has {length} bytes; a PEM file has at most {MaxBytes}.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CertificateException($"{path} cannot be read: {exception.Message}", exception);
        }
    }

    private static void Write(string path, string text, UnixFileMode mode)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = mode;
        }

        using var file = new FileStream(path, options);
        file.Write(Encoding.ASCII.GetBytes(text));
        file.Flush(flushToDisk: true);
    }

    private static void Remove(string path)
    {
        if (File.Exists(path))
        {
            File.Delete(path);
        }
    }

    private static string Temporary(string path) => $"{path}.{Guid.NewGuid():N}.tmp";

    private static string DirectoryOf(string path) => Path.GetDirectoryName(Path.GetFullPath(path)) ?? path;
}

namespace KvCloud.Backup.Stores;

/// <summary>
/// The address of an archive, as given on a command line: a path, <c>file:///path</c>, or
/// <c>s3://bucket/prefix?endpoint=http://host:port&amp;region=name&amp;pathStyle=true</c>.
/// </summary>
internal static class ArchiveAddress
{
    private const string Forms = "a path, file:///path or s3://bucket/prefix[?endpoint=URL&region=NAME&pathStyle=true]";

    /// <exception cref="ArchiveException">The address is malformed; the message names the accepted forms.</exception>
    public static IArchiveStore Open(string address)
    {
        if (!address.Contains("://", StringComparison.Ordinal))
        {
            return address.Length > 0
                ? new DirectoryStore(address)
                : throw new ArchiveException($"the archive's address is empty; give {Forms}");
        }

        if (!Uri.TryCreate(address, UriKind.Absolute, out Uri? uri))
        {
            throw new ArchiveException($"the archive's address is not a valid URL; give {Forms}");
        }

        if (uri.UserInfo.Length > 0)
        {
            // The message does not repeat the address, because it contains a secret.
            throw new ArchiveException(
                "the archive's address contains credentials, which the process list shows to others: give them as"
                + " AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or by a profile");
        }

        return uri.Scheme switch
        {
            "file" => uri.Host.Length == 0
                ? new DirectoryStore(uri.LocalPath)
                : throw new ArchiveException(
                    $"'{address}' names the host '{uri.Host}'; a local path has three slashes: file:///path"),
            "s3" => new S3Store(S3Location.Parse(uri)),
            _ => throw new ArchiveException($"an archive cannot be kept at '{uri.Scheme}:'; give {Forms}"),
        };
    }
}

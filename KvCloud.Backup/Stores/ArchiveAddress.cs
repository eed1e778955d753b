namespace KvCloud.Backup.Stores;

/// <summary>
/// Where an archive is, as a command line has it: a path, <c>file:///path</c>, or
/// <c>s3://bucket/prefix?endpoint=http://host:port&amp;region=name&amp;pathStyle=true</c>.
/// </summary>
internal static class ArchiveAddress
{
    private const string Forms = "a path, file:///path or s3://bucket/prefix[?endpoint=URL&region=NAME&pathStyle=true]";

    /// <exception cref="ArchiveException">It is none; the message says what one looks like.</exception>
    public static IArchiveStore Open(string address)
    {
        if (!address.Contains("://", StringComparison.Ordinal))
        {
            return address.Length > 0
                ? new DirectoryStore(address)
                : throw new ArchiveException($"the address of an archive is empty; it is {Forms}");
        }

        if (!Uri.TryCreate(address, UriKind.Absolute, out Uri? uri))
        {
            throw new ArchiveException($"that is no address of an archive; it is {Forms}");
        }

        if (uri.UserInfo.Length > 0)
        {
            // The address is not repeated, for it has a secret in it.
            throw new ArchiveException(
                "the address of an archive has credentials in it, where others can read them: give them as"
                + " AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or by a profile");
        }

        return uri.Scheme switch
        {
            "file" => uri.Host.Length == 0
                ? new DirectoryStore(uri.LocalPath)
                : throw new ArchiveException(
                    $"'{address}' names the host '{uri.Host}'; a path has three slashes: file:///path"),
            "s3" => new S3Store(S3Location.Parse(uri)),
            _ => throw new ArchiveException($"'{uri.Scheme}' is no kind of archive; it is {Forms}"),
        };
    }
}

namespace KvCloud.Backup.Stores;

/// <summary>A bucket, and what of it the archive has.</summary>
/// <param name="Prefix">Empty, or ends in a slash.</param>
/// <param name="Endpoint">Null: Amazon's own, by the region.</param>
internal sealed record S3Location(string Bucket, string Prefix, Uri? Endpoint, string? Region, bool IsPathStyle)
{
    public string Address =>
        $"s3://{Bucket}/{Prefix.TrimEnd('/')}"
        + (Endpoint is null ? "" : $" at {Endpoint.GetLeftPart(UriPartial.Authority)}");

    /// <exception cref="ArchiveException">Something in it is unknown or wrong.</exception>
    public static S3Location Parse(Uri uri)
    {
        if (uri.Host.Length == 0)
        {
            throw new ArchiveException($"'{uri}' names no bucket");
        }

        Uri? endpoint = null;
        string? region = null;
        bool? isPathStyle = null;
        foreach (string pair in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] parts = pair.Split('=', 2);
            string value = parts.Length == 2 ? Uri.UnescapeDataString(parts[1]) : "";
            switch (parts[0])
            {
                case "endpoint":
                    endpoint = EndpointOf(value);
                    break;
                case "region" when value.Length > 0:
                    region = value;
                    break;
                case "pathStyle" when bool.TryParse(value, out bool isSet):
                    isPathStyle = isSet;
                    break;
                default:
                    throw new ArchiveException(
                        $"'{pair}' is unknown in the address of a bucket; there are endpoint=URL, region=NAME and"
                        + " pathStyle=true|false");
            }
        }

        string prefix = Uri.UnescapeDataString(uri.AbsolutePath).Trim('/');
        return new S3Location(
            uri.Host,
            prefix.Length == 0 ? "" : $"{prefix}/",
            endpoint,
            region,
            // Names of buckets as parts of the host's name are Amazon's; others seldom have them.
            isPathStyle ?? endpoint is not null);
    }

    private static Uri EndpointOf(string value)
    {
        if (!Uri.TryCreate(value, UriKind.Absolute, out Uri? endpoint) || endpoint.Scheme is not ("http" or "https"))
        {
            throw new ArchiveException($"endpoint '{value}' is no http or https address");
        }

        return endpoint.UserInfo.Length == 0
            ? endpoint
            : throw new ArchiveException("the endpoint of a bucket has credentials in it, where others can read them");
    }
}

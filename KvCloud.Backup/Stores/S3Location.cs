namespace KvCloud.Backup.Stores;

/// <summary>A bucket, and the key prefix of the archive in it.</summary>
/// <param name="Prefix">Empty, or ends with a slash.</param>
/// <param name="Endpoint">Null for Amazon's endpoint of the region.</param>
internal sealed record S3Location(string Bucket, string Prefix, Uri? Endpoint, string? Region, bool IsPathStyle)
{
    public string Address =>
        $"s3://{Bucket}/{Prefix.TrimEnd('/')}"
        + (Endpoint is null ? "" : $" at {Endpoint.GetLeftPart(UriPartial.Authority)}");

    /// <exception cref="ArchiveException">A part of the address is malformed; the message names it.</exception>
    public static S3Location Parse(Uri uri)
    {
        if (uri.Host.Length == 0)
        {
            throw new ArchiveException($"'{uri}' names no bucket; give s3://bucket/prefix");
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
                        $"'{pair}' is not an option of an S3 address; the options are endpoint=URL, region=NAME and"
                        + " pathStyle=true|false");
            }
        }

        string prefix = Uri.UnescapeDataString(uri.AbsolutePath).Trim('/');
        return new S3Location(
            uri.Host,
            prefix.Length == 0 ? "" : $"{prefix}/",
            endpoint,
            region,
            // Virtual-hosted addressing is Amazon's; other implementations seldom support it.
            isPathStyle ?? endpoint is not null);
    }

    private static Uri EndpointOf(string value)
    {
        if (!Uri.TryCreate(value, UriKind.Absolute, out Uri? endpoint) || endpoint.Scheme is not ("http" or "https"))
        {
            throw new ArchiveException($"endpoint '{value}' is not an http or https URL");
        }

        return endpoint.UserInfo.Length == 0
            ? endpoint
            : throw new ArchiveException(
                "the endpoint contains credentials, which the process list shows to others: give them as"
                + " AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or by a profile");
    }
}

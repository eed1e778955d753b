using System.Net;

namespace KvCloud.Certificates;

/// <summary>A name or an address that a certificate's owner is reached at.</summary>
internal static class HostName
{
    private const int MaxNameLength = 253;
    private const int MaxLabelLength = 63;

    /// <summary>The address that the text is; null if it is a DNS name.</summary>
    /// <exception cref="CertificateRequestException">It is neither.</exception>
    public static IPAddress? AddressOf(string host)
    {
        // "1" and "0x7f.1" are addresses to the parser and to nobody else.
        if (IPAddress.TryParse(host, out IPAddress? address)
            && (host.Contains(':', StringComparison.Ordinal) || address.ToString() == host))
        {
            return address;
        }

        string name = host.StartsWith("*.", StringComparison.Ordinal) ? host[2..] : host;
        string[] labels = name.Split('.');
        if (name.Length > MaxNameLength || !labels.All(IsLabel) || labels[^1].All(char.IsAsciiDigit))
        {
            throw new CertificateRequestException(
                $"\"{host}\" is no host: it must be a DNS name, such as a.example or *.example, or an IP address,"
                + " without a port.");
        }

        return null;
    }

    private static bool IsLabel(string label) => label.Length is > 0 and <= MaxLabelLength
        && label[0] != '-' && label[^1] != '-'
        && label.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_');
}

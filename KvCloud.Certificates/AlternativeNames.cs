using System.Formats.Asn1;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace KvCloud.Certificates;

/// <summary>The names of a certificate beside its subject (RFC 5280, 4.2.1.6): URIs, DNS names, addresses.</summary>
/// <remarks>
/// The platform's builder takes a <see cref="Uri"/>, which puts the cluster's name into lower case, and its reader
/// leaves URIs out.
/// </remarks>
internal sealed record AlternativeNames(
    IReadOnlyList<string> Uris, IReadOnlyList<string> DnsNames, IReadOnlyList<IPAddress> Addresses)
{
    public const string ObjectId = "2.5.29.17";

    private static readonly Asn1Tag DnsName = new(TagClass.ContextSpecific, 2);
    private static readonly Asn1Tag UriName = new(TagClass.ContextSpecific, 6);
    private static readonly Asn1Tag Address = new(TagClass.ContextSpecific, 7);

    /// <summary>All of them, URIs first.</summary>
    public IEnumerable<string> All => [.. Uris, .. DnsNames, .. Addresses.Select(address => address.ToString())];

    /// <exception cref="CertificateRequestException">A host is neither a DNS name nor an address.</exception>
    public static AlternativeNames Of(IEnumerable<CertificateIdentity> identities, IEnumerable<string> hosts)
    {
        ILookup<bool, (string Host, IPAddress? Address)> kinds = hosts
            .Distinct(StringComparer.OrdinalIgnoreCase)
            .Select(host => (host, HostName.AddressOf(host)))
            .ToLookup(host => host.Item2 is null);
        return new AlternativeNames(
            [.. identities.Select(identity => identity.ToString()).Distinct()],
            [.. kinds[true].Select(host => host.Host)],
            [.. kinds[false].Select(host => host.Address!)]);
    }

    /// <exception cref="CertificateException">The extension is not what RFC 5280 says.</exception>
    public static AlternativeNames Of(X509Certificate2 certificate)
    {
        List<string> uris = [];
        List<string> dnsNames = [];
        List<IPAddress> addresses = [];
        foreach (X509Extension extension in certificate.Extensions.Where(one => one.Oid?.Value == ObjectId))
        {
            try
            {
                Read(extension.RawData, uris, dnsNames, addresses);
            }
            catch (Exception exception) when (exception is AsnContentException or ArgumentException)
            {
                throw new CertificateException(
                    $"The names of the certificate of {certificate.Subject} are malformed.", exception);
            }
        }

        return new AlternativeNames(uris, dnsNames, addresses);
    }

    public X509Extension Encode()
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            foreach (string uri in Uris)
            {
                writer.WriteCharacterString(UniversalTagNumber.IA5String, uri, UriName);
            }

            foreach (string name in DnsNames)
            {
                writer.WriteCharacterString(UniversalTagNumber.IA5String, name, DnsName);
            }

            foreach (IPAddress address in Addresses)
            {
                writer.WriteOctetString(address.GetAddressBytes(), Address);
            }
        }

        return new X509Extension(new Oid(ObjectId), writer.Encode(), critical: false);
    }

    private static void Read(byte[] encoded, List<string> uris, List<string> dnsNames, List<IPAddress> addresses)
    {
        AsnReader names = new AsnReader(encoded, AsnEncodingRules.DER).ReadSequence();
        while (names.HasData)
        {
            Asn1Tag tag = names.PeekTag();
            if (tag.HasSameClassAndValue(UriName))
            {
                uris.Add(names.ReadCharacterString(UniversalTagNumber.IA5String, UriName));
            }
            else if (tag.HasSameClassAndValue(DnsName))
            {
                dnsNames.Add(names.ReadCharacterString(UniversalTagNumber.IA5String, DnsName));
            }
            else if (tag.HasSameClassAndValue(Address))
            {
                addresses.Add(new IPAddress(names.ReadOctetString(Address)));
            }
            else
            {
                names.ReadEncodedValue();
            }
        }
    }
}

using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace KvCloud.Node.Access;

/// <summary>The user that a client's certificate names: <c>kvcloud://CLUSTER/users/NAME</c> among its names.</summary>
internal static class CertificateLogin
{
    private const string AlternativeNames = "2.5.29.17";
    private const int UriTag = 6;

    /// <summary>
    /// The anonymous principal where there is no certificate, or none that names a user of this cluster.
    /// </summary>
    /// <param name="certificate">One that the handshake has found good.</param>
    public static Principal Of(X509Certificate2? certificate, string clusterId)
    {
        if (certificate is null)
        {
            return Principal.Anonymous;
        }

        string users = $"kvcloud://{clusterId}/users/";
        string[] names =
        [
            .. UrisOf(certificate)
                .Where(uri => uri.StartsWith(users, StringComparison.Ordinal))
                .Select(uri => uri[users.Length..]),
        ];

        // Two users in one certificate: nobody can say which of them it is.
        return names is [var name] && name.Length > 0 ? Principal.ByCertificate(name) : Principal.Anonymous;
    }

    private static List<string> UrisOf(X509Certificate2 certificate)
    {
        var uris = new List<string>();
        X509Extension? extension = certificate.Extensions.FirstOrDefault(
            extension => extension.Oid?.Value == AlternativeNames);
        if (extension is null)
        {
            return uris;
        }

        try
        {
            AsnReader names = new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence();
            var uri = new Asn1Tag(TagClass.ContextSpecific, UriTag);
            while (names.HasData)
            {
                if (names.PeekTag() == uri)
                {
                    uris.Add(names.ReadCharacterString(UniversalTagNumber.IA5String, uri));
                }
                else
                {
                    names.ReadEncodedValue();
                }
            }
        }
        catch (Exception exception) when (exception is AsnContentException or CryptographicException)
        {
            // It names nobody.
            uris.Clear();
        }

        return uris;
    }
}

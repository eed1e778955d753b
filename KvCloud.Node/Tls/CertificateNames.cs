using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;

namespace KvCloud.Node.Tls;

/// <summary>The names that a certificate holds as URIs, which the platform's own reader leaves out.</summary>
internal static class CertificateNames
{
    private const string SubjectAlternativeName = "2.5.29.17";
    private static readonly Asn1Tag UriTag = new(TagClass.ContextSpecific, 6);

    /// <summary>The names of this product, as the certificate spells them. A broken extension has none.</summary>
    public static IReadOnlyList<string> Of(X509Certificate2 certificate)
    {
        List<string> names = [];
        try
        {
            foreach (X509Extension extension in certificate.Extensions)
            {
                if (extension.Oid?.Value == SubjectAlternativeName)
                {
                    Read(extension.RawData, names);
                }
            }
        }
        catch (AsnContentException)
        {
            return [];
        }

        return names;
    }

    /// <summary>The names for a message: those of this product, else the subject.</summary>
    public static string Describe(X509Certificate2 certificate)
    {
        IReadOnlyList<string> names = Of(certificate);
        return names.Count > 0 ? string.Join(", ", names) : $"nobody of KvCloud (its subject is {certificate.Subject})";
    }

    private static void Read(byte[] der, List<string> names)
    {
        AsnReader all = new AsnReader(der, AsnEncodingRules.DER).ReadSequence();
        while (all.HasData)
        {
            if (!all.PeekTag().HasSameClassAndValue(UriTag))
            {
                all.ReadEncodedValue();
                continue;
            }

            string uri = all.ReadCharacterString(UniversalTagNumber.IA5String, UriTag);
            if (uri.StartsWith(NodeName.Scheme, StringComparison.Ordinal))
            {
                names.Add(uri);
            }
        }
    }
}

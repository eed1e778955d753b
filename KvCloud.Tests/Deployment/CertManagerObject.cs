using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace KvCloud.Tests.Deployment;

/// <summary>
/// A resource of cert-manager.io/v1, of which this knows the fields that the manifests use (cert-manager's API
/// reference, v1); any other is refused.
/// </summary>
public sealed class CertManagerObject
{
    public string ApiVersion { get; set; } = "";

    public string Kind { get; set; } = "";

    public ObjectName Metadata { get; set; } = new();

    public Specification Spec { get; set; } = new();

    internal static IEnumerable<CertManagerObject> ReadAll(string file)
    {
        IDeserializer reader =
            new DeserializerBuilder().WithNamingConvention(CamelCaseNamingConvention.Instance).Build();
        string text = File.ReadAllText(Path.Combine(Manifests.Folder, "cert-manager", file));
        foreach (string document in text.Split("\n---\n"))
        {
            CertManagerObject item = reader.Deserialize<CertManagerObject>(document);
            Assert.Equal("cert-manager.io/v1", item.ApiVersion);
            yield return item;
        }
    }

    /// <summary>The name of a resource.</summary>
    public sealed class ObjectName
    {
        public string Name { get; set; } = "";
    }

    /// <summary>Of an Issuer or a Certificate.</summary>
    public sealed class Specification
    {
        public Dictionary<string, string>? SelfSigned { get; set; }

        public SecretReference? Ca { get; set; }

        public string SecretName { get; set; } = "";

        [YamlMember(Alias = "isCA", ApplyNamingConventions = false)]
        public bool IsCA { get; set; }

        public string CommonName { get; set; } = "";

        public string Duration { get; set; } = "";

        public string RenewBefore { get; set; } = "";

        public List<string>? Uris { get; set; }

        public List<string>? DnsNames { get; set; }

        public List<string>? Usages { get; set; }

        public KeyAlgorithm? PrivateKey { get; set; }

        public IssuerReference? IssuerRef { get; set; }
    }

    /// <summary>The secret with the CA that an issuer signs with.</summary>
    public sealed class SecretReference
    {
        public string SecretName { get; set; } = "";
    }

    /// <summary>The private key of a certificate.</summary>
    public sealed class KeyAlgorithm
    {
        public string Algorithm { get; set; } = "";

        public int Size { get; set; }

        public string RotationPolicy { get; set; } = "";
    }

    /// <summary>Who signs a certificate.</summary>
    public sealed class IssuerReference
    {
        public string Group { get; set; } = "";

        public string Kind { get; set; } = "";

        public string Name { get; set; } = "";
    }
}

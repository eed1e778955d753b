using System.Globalization;

namespace KvCloud.Certificates;

/// <summary>The files of a directory with certificates.</summary>
internal sealed record CertificatePaths(string Certificate, string Key)
{
    private const string CertificateExtension = ".crt";
    private const string KeyExtension = ".key";

    public static CertificatePaths OfAuthority(string directory) => In(directory, "ca");

    public static CertificatePaths OfNode(string directory, int nodeId) =>
        In(directory, string.Create(CultureInfo.InvariantCulture, $"node_{nodeId}"));

    public static CertificatePaths OfClient(string directory, string user) => In(directory, $"client_{user}");

    /// <summary>The key that lies beside a certificate; null if none does.</summary>
    public static string? KeyBeside(string certificate)
    {
        string key = Path.ChangeExtension(certificate, KeyExtension);
        return key != certificate && File.Exists(key) ? key : null;
    }

    /// <summary>Where the CA is looked for that a certificate leads to.</summary>
    public static string AuthorityBeside(string certificate) =>
        OfAuthority(Path.GetDirectoryName(Path.GetFullPath(certificate)) ?? "").Certificate;

    private static CertificatePaths In(string directory, string name) => new(
        Path.Combine(directory, name + CertificateExtension), Path.Combine(directory, name + KeyExtension));
}

namespace KvCloud.Node.Tls;

/// <summary>A certificate, key or CA file cannot be used. The message names the setting and the file.</summary>
internal sealed class CertificateException(string setting, string file, string what, Exception? inner = null)
    : Exception($"tls.{setting}: {file} {what}.", inner)
{
    /// <summary>The key in the table [tls].</summary>
    public string Setting { get; } = setting;
}

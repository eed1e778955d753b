namespace KvCloud.Node.Tls;

/// <summary>The PEM files of this node.</summary>
/// <param name="Certificate">Its certificate, and behind it those between it and the CA.</param>
/// <param name="Key">The private key of the certificate, not encrypted.</param>
/// <param name="Ca">The certificates of every CA that is trusted; null: nobody's certificate is.</param>
internal sealed record TlsFiles(string Certificate, string Key, string? Ca);

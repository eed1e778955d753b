namespace KvCloud.Bench.Load;

/// <summary>How the generator speaks TLS, as PEM files.</summary>
/// <param name="Ca">The CAs that are trusted; null: those of this machine.</param>
internal sealed record LoadTls(string? Ca, string? Certificate, string? Key);

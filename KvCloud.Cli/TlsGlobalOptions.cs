using System.CommandLine;
using KvCloud.Client;

namespace KvCloud.Cli;

/// <summary>How every command speaks TLS. Each option has a variable of the environment.</summary>
internal sealed class TlsGlobalOptions
{
    public const string TlsVariable = "KVCLOUD_TLS";
    public const string CaVariable = "KVCLOUD_CA";
    public const string CertificateVariable = "KVCLOUD_CERT";
    public const string KeyVariable = "KVCLOUD_KEY";

    private readonly Option<bool> _tls = new("--tls")
    {
        Description = $"Speak TLS, and trust the CAs of this machine. Default: ${TlsVariable} is true or 1. The next"
            + " three turn it on too.",
        Recursive = true,
    };

    private readonly Option<string?> _ca = File(
        "--ca", $"PEM file of the CAs by which nodes are believed. Default: ${CaVariable}.");

    private readonly Option<string?> _certificate = File(
        "--cert", $"PEM file of this client's certificate. Default: ${CertificateVariable}.");

    private readonly Option<string?> _key = File("--key", $"PEM file of its private key. Default: ${KeyVariable}.");

    public void AddTo(RootCommand root)
    {
        root.Add(_tls);
        root.Add(_ca);
        root.Add(_certificate);
        root.Add(_key);
    }

    public void Apply(ParseResult parsed, KvCloudClientSettings settings)
    {
        settings.TlsCa = Choose(parsed.GetValue(_ca), CaVariable);
        settings.TlsCertificate = Choose(parsed.GetValue(_certificate), CertificateVariable);
        settings.TlsKey = Choose(parsed.GetValue(_key), KeyVariable);
        settings.UseTls = IsAsked(parsed);
    }

    /// <summary>The CAs, by which a node's HTTP port is believed too; null if none are given.</summary>
    public string? AuthorityOf(ParseResult parsed) => Choose(parsed.GetValue(_ca), CaVariable);

    /// <summary>The variables by which another process of this program does the same.</summary>
    public IEnumerable<KeyValuePair<string, string?>> Variables(ParseResult parsed) =>
    [
        new(CaVariable, Choose(parsed.GetValue(_ca), CaVariable)),
        new(CertificateVariable, Choose(parsed.GetValue(_certificate), CertificateVariable)),
        new(KeyVariable, Choose(parsed.GetValue(_key), KeyVariable)),
        new(TlsVariable, IsAsked(parsed) ? "1" : null),
    ];

    private bool IsAsked(ParseResult parsed) => parsed.GetValue(_tls)
        || Environment.GetEnvironmentVariable(TlsVariable) is "1" or "true" or "True" or "TRUE";

    private static string? Choose(string? given, string variable) =>
        !string.IsNullOrWhiteSpace(given) ? given
        : Environment.GetEnvironmentVariable(variable) is { Length: > 0 } set ? set
        : null;

    private static Option<string?> File(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "file",
        Recursive = true,
    };
}

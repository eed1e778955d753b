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

    public IReadOnlyList<Option> All => [_tls, _ca, _certificate, _key];

    public bool IsAsked(ParseResult parsed) => parsed.GetValue(_tls);

    public string? AuthorityOf(ParseResult parsed) => parsed.GetValue(_ca);

    public string? CertificateOf(ParseResult parsed) => parsed.GetValue(_certificate);

    public string? KeyOf(ParseResult parsed) => parsed.GetValue(_key);

    /// <summary>The variables by which another process of this program does the same, as the same user.</summary>
    public static IEnumerable<KeyValuePair<string, string?>> Variables(KvCloudClientSettings settings) =>
    [
        new(GlobalOptions.UserVariable, settings.User),
        new(GlobalOptions.PasswordVariable, settings.Password),
        new(GlobalOptions.TokenVariable, settings.Token),
        new(CaVariable, settings.TlsCa),
        new(CertificateVariable, settings.TlsCertificate),
        new(KeyVariable, settings.TlsKey),
        new(TlsVariable, settings.UseTls ? "1" : null),
    ];

    private static Option<string?> File(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "file",
        Recursive = true,
    };
}

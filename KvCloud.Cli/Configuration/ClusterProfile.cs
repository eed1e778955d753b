namespace KvCloud.Cli.Configuration;

/// <summary>
/// How to reach a cluster, and as whom: of the environment, or of a cluster in the configuration file. Never of both:
/// the secrets of one cluster must not go to the endpoints of another.
/// </summary>
internal sealed record ClusterProfile
{
    public string? Endpoints { get; init; }

    public string? User { get; init; }

    public string? Password { get; init; }

    public string? PasswordFile { get; init; }

    public string? Token { get; init; }

    public string? TokenFile { get; init; }

    public bool Tls { get; init; }

    public string? Ca { get; init; }

    public string? Certificate { get; init; }

    public string? Key { get; init; }

    /// <summary>Local, leader or read_index.</summary>
    public string? Consistency { get; init; }

    /// <summary>Such as 10s.</summary>
    public string? Timeout { get; init; }

    /// <summary>Whether it is of the environment, whose password is that of any user who is given.</summary>
    public bool IsEnvironment { get; init; }

    public bool HasSecret => Password is not null || Token is not null;

    public bool SpeaksTls => Tls || Ca is not null || Certificate is not null || Key is not null;

    public static ClusterProfile FromEnvironment() => new()
    {
        IsEnvironment = true,
        Endpoints = Variable(GlobalOptions.EndpointsVariable),
        User = Variable(GlobalOptions.UserVariable),
        Password = Variable(GlobalOptions.PasswordVariable),
        Token = Variable(GlobalOptions.TokenVariable),
        Tls = Variable(TlsGlobalOptions.TlsVariable) is "1" or "true" or "True" or "TRUE",
        Ca = Variable(TlsGlobalOptions.CaVariable),
        Certificate = Variable(TlsGlobalOptions.CertificateVariable),
        Key = Variable(TlsGlobalOptions.KeyVariable),
    };

    public static string? Variable(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}

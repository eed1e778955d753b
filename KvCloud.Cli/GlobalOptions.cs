using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using KvCloud.Cli.Configuration;
using KvCloud.Cli.Output;
using KvCloud.Client;
using KvCloud.Client.Calls;
using KvCloud.Protocol;

namespace KvCloud.Cli;

/// <summary>Options of every command.</summary>
internal sealed class GlobalOptions
{
    public const string EndpointsVariable = "KVCLOUD_ENDPOINTS";
    public const string UserVariable = "KVCLOUD_USER";
    public const string PasswordVariable = "KVCLOUD_PASSWORD";
    public const string TokenVariable = "KVCLOUD_TOKEN";
    public const string DefaultEndpoints = "localhost:9090,localhost:9091,localhost:9092";

    public Option<string?> Endpoints { get; } = new("--endpoints", "-e")
    {
        Description = $"Nodes of the cluster, host:port with commas between; one is enough. "
            + $"Default: ${EndpointsVariable}, else {DefaultEndpoints}.",
        HelpName = "host:port,...",
        Recursive = true,
    };

    public Option<string?> Cluster { get; } = new("--cluster")
    {
        Description = $"A cluster of the configuration file (kv config). Default: ${KvConfigFile.ClusterVariable},"
            + " else, without endpoints, the file's current one. Nothing of the environment goes with it.",
        HelpName = "name",
        Recursive = true,
    };

    public Option<string?> ConfigFile { get; } = new("--kvconfig")
    {
        Description = $"The file with the clusters' names. Default: ${KvConfigFile.PathVariable}, else"
            + " ~/.config/kv/config.toml.",
        HelpName = "file",
        Recursive = true,
    };

    public Option<string?> Endpoint { get; } = new("--endpoint")
    {
        Description = "Read only from this node.",
        HelpName = "host:port",
        Recursive = true,
    };

    public Option<ReadConsistency?> Consistency { get; } = new("--consistency", "-c")
    {
        Description = "How fresh reads must be: local, leader or read_index (the default).",
        HelpName = "level",
        Recursive = true,
        CustomParser = result => Parse(result, ConnectionStringParser.Level),
    };

    public Option<string?> ColumnFamily { get; } = new("--cf")
    {
        Description = "The column family. Default: default.",
        HelpName = "name",
        Recursive = true,
    };

    public Option<TimeSpan?> Timeout { get; } = new("--timeout", "-t")
    {
        Description = "Time for one call with all its retries: 500ms, 10s. Default: 10s; import and verify 60s.",
        HelpName = "time",
        Recursive = true,
        CustomParser = result => Parse(result, ParsePositiveTime),
    };

    public Option<string?> User { get; } = new("--user", "-u")
    {
        Description = $"Log in as this user. Default: ${UserVariable}. The password comes from --password-file, else "
            + $"${PasswordVariable}, else it is asked for.",
        HelpName = "name",
        Recursive = true,
    };

    public Option<string?> PasswordFile { get; } = new("--password-file")
    {
        Description = "The first line of this file is the password of --user; - is standard input.",
        HelpName = "file",
        Recursive = true,
    };

    public Option<string?> TokenFile { get; } = new("--token-file")
    {
        Description = $"Log in by the token in the first line of this file. Default: ${TokenVariable}.",
        HelpName = "file",
        Recursive = true,
    };

    public TlsGlobalOptions Tls { get; } = new();

    public Option<bool> Raw { get; } = new("--raw")
    {
        Description = "Print raw bytes without separators or escapes.",
        Recursive = true,
    };

    public Option<bool> Hex { get; } = new("--hex")
    {
        Description = "Keys and values are hexadecimal, in arguments and output.",
        Recursive = true,
    };

    public Option<bool> Json { get; } = new("--json")
    {
        Description = "As --output json.",
        Recursive = true,
    };

    public Option<OutputFormat?> Output { get; } = new("--output", "-o")
    {
        Description = "How results are printed: table (drawn), plain (tabs between columns) or json (an object a line)."
            + " Default: table on a terminal, else plain.",
        HelpName = "format",
        Recursive = true,
        CustomParser = result => Parse(result, ParseOutput),
    };

    public void AddTo(RootCommand root)
    {
        // The names of the enumerations are not those that the options take.
        Output.CompletionSources.Clear();
        Output.CompletionSources.Add("table", "plain", "json");
        Consistency.CompletionSources.Clear();
        Consistency.CompletionSources.Add("local", "leader", "read_index");
        root.Add(Endpoints);
        root.Add(Cluster);
        root.Add(ConfigFile);
        root.Add(Endpoint);
        root.Add(Consistency);
        root.Add(ColumnFamily);
        root.Add(Timeout);
        root.Add(User);
        root.Add(PasswordFile);
        root.Add(TokenFile);
        Tls.AddTo(root);
        root.Add(Raw);
        root.Add(Hex);
        root.Add(Json);
        root.Add(Output);
    }

    /// <summary>Translates the options to client settings.</summary>
    public KvCloudClientSettings ToSettings(ParseResult parsed, TimeSpan defaultTimeout, KvConsole console)
    {
        ClusterProfile profile = ProfileOf(parsed);
        var settings = new KvCloudClientSettings
        {
            ConnectionString = profile.Endpoints ?? DefaultEndpoints,
            Consistency = parsed.GetValue(Consistency)
                ?? Of(profile.Consistency, ConnectionStringParser.Level)
                ?? ReadConsistency.READ_INDEX,
            Timeout = parsed.GetValue(Timeout) ?? Of(profile.Timeout, ParsePositiveTime) ?? defaultTimeout,
            UseTls = profile.Tls,
            TlsCa = profile.Ca,
            TlsCertificate = profile.Certificate,
            TlsKey = profile.Key,
        };
        LogIn(profile, settings, console);

        // One attempt at a node that hangs must not outlast the whole call.
        if (settings.Timeout < settings.AttemptTimeout)
        {
            settings.AttemptTimeout = settings.Timeout;
        }

        return settings;
    }

    public string ConfigPathOf(ParseResult parsed) => parsed.GetValue(ConfigFile) ?? KvConfigFile.DefaultPath;

    public KvConfigFile ConfigFileOf(ParseResult parsed) => KvConfigFile.Load(ConfigPathOf(parsed));

    /// <summary>
    /// How the cluster is reached: what the command line says, over a cluster of the configuration file or over the
    /// environment. Never over both, and over no cluster of the file where endpoints are given: the secrets of one
    /// cluster must not go to the endpoints of another.
    /// </summary>
    public ClusterProfile ProfileOf(ParseResult parsed)
    {
        ClusterProfile below = ClusterNameOf(parsed) is { } name
            ? ConfigFileOf(parsed).Cluster(name)
            : ClusterProfile.FromEnvironment();
        return Over(below, GivenProfile(parsed));
    }

    /// <summary>The cluster's name in the configuration file; null where it has none.</summary>
    public string? ClusterNameOf(ParseResult parsed)
    {
        bool hasEndpoints = !string.IsNullOrWhiteSpace(parsed.GetValue(Endpoints));
        string? named = parsed.GetValue(Cluster);
        if (named is not null && hasEndpoints)
        {
            throw new UsageException("--cluster and --endpoints are mutually exclusive");
        }

        if (hasEndpoints || named is not null)
        {
            return named;
        }

        return ClusterProfile.Variable(KvConfigFile.ClusterVariable)
            ?? (ClusterProfile.Variable(EndpointsVariable) is null ? ConfigFileOf(parsed).Current : null);
    }

    /// <summary>Options of the connection belong to kv shell, whose commands share one.</summary>
    public void RequireNoneOfTheShells(ParseResult parsed)
    {
        Option[] ofTheShell =
            [Endpoints, Cluster, ConfigFile, User, PasswordFile, TokenFile, Timeout, .. Tls.All];
        if (ofTheShell.FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false }) is { } given)
        {
            throw new UsageException($"{given.Name} belongs to kv shell itself: leave it, and start it with that");
        }
    }

    /// <summary>What the command line alone says, with absolute paths.</summary>
    public ClusterProfile GivenProfile(ParseResult parsed)
    {
        var given = new ClusterProfile
        {
            Endpoints = string.IsNullOrWhiteSpace(parsed.GetValue(Endpoints)) ? null : parsed.GetValue(Endpoints),
            User = parsed.GetValue(User),
            PasswordFile = PathOf(parsed.GetValue(PasswordFile)),
            TokenFile = PathOf(parsed.GetValue(TokenFile)),
            Consistency = parsed.GetValue(Consistency)?.ToString().ToLowerInvariant(),
            Timeout = parsed.GetValue(Timeout) is { } time
                ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0}ms")
                : null,
            Tls = Tls.IsAsked(parsed),
            Ca = PathOf(Tls.AuthorityOf(parsed)),
            Certificate = PathOf(Tls.CertificateOf(parsed)),
            Key = PathOf(Tls.KeyOf(parsed)),
        };
        return given.User is not null && given.TokenFile is not null
            ? throw new UsageException("--user and --token-file are mutually exclusive")
            : given;
    }

    /// <summary>A login that is given replaces the other one whole.</summary>
    private static ClusterProfile Over(ClusterProfile below, ClusterProfile given)
    {
        bool isOther = given.TokenFile is not null || (given.User is not null && given.User != below.User);
        return new ClusterProfile
        {
            Endpoints = given.Endpoints ?? below.Endpoints,
            User = given.User ?? (given.TokenFile is null ? below.User : null),
            Password = given.PasswordFile is not null || (isOther && !below.IsEnvironment) ? null : below.Password,
            PasswordFile = given.PasswordFile ?? (isOther ? null : below.PasswordFile),
            Token = isOther ? null : below.Token,
            TokenFile = given.TokenFile ?? (isOther ? null : below.TokenFile),
            Tls = given.Tls || below.Tls,
            Ca = given.Ca ?? below.Ca,
            Certificate = given.Certificate ?? below.Certificate,
            Key = given.Key ?? below.Key,
            Consistency = given.Consistency ?? below.Consistency,
            Timeout = given.Timeout ?? below.Timeout,
        };
    }

    private static void LogIn(ClusterProfile profile, KvCloudClientSettings settings, KvConsole console)
    {
        if (profile.User is null)
        {
            settings.Token = profile.TokenFile is { } tokenFile
                ? Passwords.FromFile(tokenFile, console)
                : profile.Token;
            return;
        }

        settings.User = profile.User;
        settings.Password = profile.PasswordFile is { } file ? Passwords.FromFile(file, console)
            : profile.Password ?? Passwords.Ask($"Password of {profile.User}", "--password-file");
    }

    /// <summary>Standard input stays what it is.</summary>
    private static string? PathOf(string? given) =>
        string.IsNullOrWhiteSpace(given) ? null : given == "-" ? given : Path.GetFullPath(given);

    private static T? Of<T>(string? text, Func<string, T> parse)
        where T : struct
    {
        try
        {
            return text is null ? null : parse(text);
        }
        catch (FormatException exception)
        {
            throw new UsageException(exception.Message);
        }
    }

    /// <summary>How keys and values are printed.</summary>
    public ValueFormat FormatOf(ParseResult parsed)
    {
        ValueFormat[] chosen =
        [
            .. new[]
            {
                (parsed.GetValue(Raw), ValueFormat.Raw),
                (parsed.GetValue(Hex), ValueFormat.Hex),
                (AskedOutput(parsed) == OutputFormat.Json, ValueFormat.Json),
            }.Where(pair => pair.Item1).Select(pair => pair.Item2),
        ];
        return chosen.Length switch
        {
            0 => ValueFormat.Text,
            1 => chosen[0],
            _ => throw new UsageException("--raw, --hex and --json are mutually exclusive"),
        };
    }

    /// <summary>Prints results as the command line asks for.</summary>
    public Printer PrinterOf(ParseResult parsed, KvConsole console) => new(
        console,
        AskedOutput(parsed) ?? (console.IsOutputTerminal ? OutputFormat.Table : OutputFormat.Plain));

    /// <summary>What --output or --json says; null if neither is given.</summary>
    public OutputFormat? AskedOutput(ParseResult parsed)
    {
        OutputFormat? given = parsed.GetValue(Output);
        if (!parsed.GetValue(Json))
        {
            return given;
        }

        return given is null or OutputFormat.Json
            ? OutputFormat.Json
            : throw new UsageException("--json and --output are mutually exclusive");
    }

    private static OutputFormat ParseOutput(string text) => text switch
    {
        "table" => OutputFormat.Table,
        "plain" => OutputFormat.Plain,
        "json" => OutputFormat.Json,
        _ => throw new FormatException($"'{text}' is no output format; use table, plain or json"),
    };

    public static TimeSpan ParsePositiveTime(string text)
    {
        TimeSpan time = ConnectionStringParser.Time(text);
        return time >= TimeSpan.FromMilliseconds(1)
            ? time
            : throw new FormatException($"'{text}' is too short; the minimum is one millisecond");
    }

    public static T? Parse<T>(ArgumentResult result, Func<string, T> parse)
        where T : struct
    {
        try
        {
            return parse(result.Tokens[0].Value);
        }
        catch (FormatException exception)
        {
            result.AddError(exception.Message + ".");
            return null;
        }
    }
}

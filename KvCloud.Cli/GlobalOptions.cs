using System.CommandLine;
using System.CommandLine.Parsing;
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

    public Option<string> Endpoints { get; } = new("--endpoints", "-e")
    {
        Description = $"Nodes of the cluster, host:port with commas between; one is enough. "
            + $"Default: ${EndpointsVariable}, else {DefaultEndpoints}.",
        HelpName = "host:port,...",
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
        root.Add(Endpoints);
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
        string? endpoints = parsed.GetValue(Endpoints);
        if (string.IsNullOrWhiteSpace(endpoints))
        {
            endpoints = Environment.GetEnvironmentVariable(EndpointsVariable);
        }

        var settings = new KvCloudClientSettings
        {
            ConnectionString = string.IsNullOrWhiteSpace(endpoints) ? DefaultEndpoints : endpoints,
            Consistency = parsed.GetValue(Consistency) ?? ReadConsistency.READ_INDEX,
            Timeout = parsed.GetValue(Timeout) ?? defaultTimeout,
        };

        LogIn(parsed, settings, console);
        Tls.Apply(parsed, settings);

        // One attempt at a node that hangs must not outlast the whole call.
        if (settings.Timeout < settings.AttemptTimeout)
        {
            settings.AttemptTimeout = settings.Timeout;
        }

        return settings;
    }

    private void LogIn(ParseResult parsed, KvCloudClientSettings settings, KvConsole console)
    {
        string? user = parsed.GetValue(User);
        string? tokenFile = parsed.GetValue(TokenFile);
        if (user is not null && tokenFile is not null)
        {
            throw new UsageException("--user and --token-file are mutually exclusive");
        }

        user ??= tokenFile is null ? Variable(UserVariable) : null;
        if (user is null)
        {
            settings.Token = tokenFile is null ? Variable(TokenVariable) : Passwords.FromFile(tokenFile, console);
            return;
        }

        settings.User = user;
        settings.Password = parsed.GetValue(PasswordFile) is { } file ? Passwords.FromFile(file, console)
            : Variable(PasswordVariable) ?? Passwords.Ask($"Password of {user}", "--password-file");
    }

    private static string? Variable(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

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

using Tomlyn.Model;

namespace KvCloud.Cli.Configuration;

/// <summary>The keys of a cluster in the configuration file.</summary>
internal static class ProfileKeys
{
    private const string Tls = "tls";

    /// <summary>Paths are relative to the file that names them.</summary>
    private static readonly string[] Paths = ["password_file", "token_file", "ca", "cert", "key"];

    private static readonly string[] Texts = ["endpoints", "user", "password", "token", "consistency", "timeout"];

    public static ClusterProfile Read(TomlTable table, string where, string folder)
    {
        foreach ((string key, object? value) in table)
        {
            if (!Texts.Contains(key) && !Paths.Contains(key) && key != Tls)
            {
                throw new UsageException(
                    $"{where}.{key} is not known; there are {string.Join(", ", Texts.Concat(Paths).Append(Tls))}");
            }

            if (key == Tls ? value is not bool : value is not string { Length: > 0 })
            {
                throw new UsageException($"{where}.{key} must be {(key == Tls ? "true or false" : "a text")}");
            }
        }

        if (!table.ContainsKey("endpoints"))
        {
            throw new UsageException($"{where} has no endpoints = \"host:port,...\"");
        }

        var profile = new ClusterProfile
        {
            Endpoints = Text("endpoints"),
            User = Text("user"),
            Password = Text("password"),
            PasswordFile = File("password_file"),
            Token = Text("token"),
            TokenFile = File("token_file"),
            Tls = table.TryGetValue(Tls, out object? tls) && tls is true,
            Ca = File("ca"),
            Certificate = File("cert"),
            Key = File("key"),
            Consistency = Text("consistency"),
            Timeout = Text("timeout"),
        };
        return profile.User is not null && (profile.Token ?? profile.TokenFile) is not null
            ? throw new UsageException($"{where} has a user and a token; one of them logs in")
            : profile;

        string? Text(string key) => table.TryGetValue(key, out object? value) ? value as string : null;

        string? File(string key) => Text(key) is { } path ? Path.GetFullPath(path, folder) : null;
    }

    public static TomlTable ToTable(ClusterProfile profile)
    {
        var table = new TomlTable();
        Add("endpoints", profile.Endpoints);
        Add("user", profile.User);
        Add("password", profile.Password);
        Add("password_file", profile.PasswordFile);
        Add("token", profile.Token);
        Add("token_file", profile.TokenFile);
        Add("ca", profile.Ca);
        Add("cert", profile.Certificate);
        Add("key", profile.Key);
        Add("consistency", profile.Consistency);
        Add("timeout", profile.Timeout);
        if (profile.Tls)
        {
            table[Tls] = true;
        }

        return table;

        void Add(string key, string? value)
        {
            if (value is not null)
            {
                table[key] = value;
            }
        }
    }

    /// <summary>Names stand in commands and in TOML without quotes.</summary>
    /// <param name="where">Where it is read, for the message; empty where it was typed.</param>
    public static void CheckName(string name, string where = "")
    {
        if (name.Length is 0 or > 64 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'))
        {
            throw new UsageException(
                $"{where}'{name}' cannot name a cluster; use up to 64 letters, digits, hyphens and underscores");
        }
    }
}

namespace KvCloud.Node.Configuration;

/// <summary>
/// The parsed command line: <c>--config FILE</c>, <c>--check-config</c>, <c>--health</c>, <c>--help</c>,
/// <c>--version</c>, and any setting as <c>--section.key=value</c> or <c>--section.key value</c>; lists are
/// comma-separated. Errors are collected rather than thrown, so that all of them are reported at once.
/// </summary>
internal sealed class CommandLine
{
    private readonly Dictionary<string, string> _settings = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<string> _mistakes = [];

    private CommandLine()
    {
    }

    public string? ConfigFile { get; private set; }

    public bool ShowHelp { get; private set; }

    public bool ShowVersion { get; private set; }

    /// <summary>Check the configuration, print the effective settings, and exit.</summary>
    public bool CheckConfig { get; private set; }

    /// <summary>Ask the node that runs with this configuration for its health, print the answer, and exit.</summary>
    public bool AskHealth { get; private set; }

    /// <summary>Settings by configuration path.</summary>
    public IReadOnlyDictionary<string, string> Settings => _settings;

    public IReadOnlyList<string> Mistakes => _mistakes;

    public static CommandLine Parse(IReadOnlyList<string> args)
    {
        CommandLine line = new();
        for (int index = 0; index < args.Count; index++)
        {
            string argument = args[index];
            if (!line.TakeFlag(argument))
            {
                index = line.TakePair(args, index);
            }
        }

        return line;
    }

    public static string Usage() =>
        """
        Usage: KvCloud.Node [--config FILE] [--check-config | --health] [--section.key=value ...]
               KvCloud.Node restore --help
               KvCloud.Node recover --help

          --config FILE          TOML file; default: $KVCLOUD_CONFIG, else ./kvcloud.toml if it is there
          --check-config         check the configuration, print what is in effect, and stop
          --health               ask the node that runs here with this configuration whether it is healthy, and
                                 stop: exit code 0 if it is, 1 if it is not or does not answer
          --section.key=value    any setting of the file, such as --deployment.instance_id=1;
                                 a list is separated by commas
          --version, --help

        Defaults < appsettings.json < TOML file < environment (KvCloud__Deployment__InstanceId=1) < command line.
        Exit codes: 0 stopped cleanly, 1 not healthy (--health), 2 configuration, 3 data directory,
        4 fatal (disk, corruption, invariant).
        All settings: docs/configuration.md.
        """;

    private bool TakeFlag(string argument)
    {
        switch (argument)
        {
            case "--help" or "-h" or "-?":
                ShowHelp = true;
                return true;
            case "--version":
                ShowVersion = true;
                return true;
            case "--check-config":
                CheckConfig = true;
                return true;
            case "--health":
                AskHealth = true;
                return true;
            default:
                return false;
        }
    }

    /// <summary>
    /// Takes <c>--name=value</c> or <c>--name value</c>; returns the index of the last argument taken.
    /// </summary>
    private int TakePair(IReadOnlyList<string> args, int index)
    {
        string argument = args[index];
        if (!argument.StartsWith("--", StringComparison.Ordinal) || argument.Length == 2)
        {
            _mistakes.Add(
                $"\"{argument}\" on the command line is not an option; a setting is written --section.key=value.");
            return index;
        }

        int equals = argument.IndexOf('=', StringComparison.Ordinal);
        string name = equals < 0 ? argument[2..] : argument[2..equals];
        string? value = equals < 0 ? null : argument[(equals + 1)..];
        if (value is null && index + 1 < args.Count && !args[index + 1].StartsWith("--", StringComparison.Ordinal))
        {
            value = args[++index];
        }

        if (value is null)
        {
            _mistakes.Add($"--{name} on the command line needs a value.");
            return index;
        }

        Take(name, value);
        return index;
    }

    private void Take(string name, string value)
    {
        if (name == "config")
        {
            ConfigFile = value;
            return;
        }

        Setting? setting = SettingsCatalog.FindByPath(name.Replace('-', '_'));
        if (setting is null)
        {
            string[] known = [.. SettingsCatalog.All.Select(known => known.Path), "config", "check-config", "health"];
            string hint = NearestName.Of(name, known) is string nearest ? $"; did you mean --{nearest}?" : ".";
            _mistakes.Add($"--{name} on the command line is not known{hint}");
        }
        else
        {
            _settings[setting.ConfigurationPath] = value;
        }
    }
}

/// <summary>Makes the settings of the command line a layer of the configuration.</summary>
internal sealed record CommandLineSource(CommandLine Line) : IConfigurationSource
{
    public IConfigurationProvider Build(IConfigurationBuilder builder) => new Provider(Line);

    private sealed class Provider(CommandLine line) : ConfigurationProvider, IDescribedSource
    {
        public override void Load()
        {
            foreach ((string path, string value) in line.Settings)
            {
                Data[path] = value;
            }
        }

        public string Describe(string configurationPath) =>
            $"command line --{SettingsCatalog.FindByConfigurationPath(configurationPath)?.Path ?? configurationPath}";
    }
}

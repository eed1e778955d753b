using System.Globalization;
using KvCloud.Node.Files;
using KvCloud.Node.Routing;
using KvCloud.Node.Storage;
using KvCloud.Node.Telemetry;
using KvCloud.Node.Tls;

namespace KvCloud.Node.Configuration;

/// <summary>The result of reading the configuration: options to run with, or an exit code to return.</summary>
internal sealed record ConfigurationOutcome(NodeOptions? Options, NodeTopology? Topology, int? ExitCode)
{
    /// <summary>The certificates, checked; null where nothing speaks TLS.</summary>
    public CertificateStore? Certificates { get; init; }

    /// <summary>Do not run; ask the node that runs with these options for its health.</summary>
    public bool AskHealth { get; init; }

    public static ConfigurationOutcome Exit(int code) => new(null, null, code);
}

/// <summary>Builds the layers of the configuration and reads them.</summary>
internal static class NodeConfiguration
{
    public const string ConfigFileVariable = "KVCLOUD_CONFIG";

    public const string ParentProcessVariable = ParentWatch.ProcessVariable;

    public const string DefaultFile = "kvcloud.toml";

    /// <summary>
    /// Adds the TOML file, the environment and the command line on top of the existing layers (appsettings), reads and
    /// validates all settings, and registers <see cref="NodeOptions"/>, each of its sections and
    /// <see cref="NodeTopology"/>. Errors go to standard error, one per line; the caller must then return the exit
    /// code.
    /// </summary>
    public static ConfigurationOutcome AddKvCloudConfiguration(this WebApplicationBuilder builder, string[] args)
    {
        var line = CommandLine.Parse(args);
        if (line.ShowHelp || line.ShowVersion)
        {
            Console.Out.WriteLine(line.ShowHelp ? CommandLine.Usage() : $"KvCloud {NodeVersion.Text}");
            return ConfigurationOutcome.Exit(ExitCodes.Clean);
        }

        IConfigurationSource environment = new Microsoft.Extensions.Configuration.EnvironmentVariables
            .EnvironmentVariablesConfigurationSource();
        SettingsResult result = Load(
            builder.Configuration, line, Environment.GetEnvironmentVariable(ConfigFileVariable),
            Directory.GetCurrentDirectory(), environment, builder.Environment.IsDevelopment());
        if (result.Mistakes.Count > 0)
        {
            foreach (string mistake in result.Mistakes)
            {
                Console.Error.WriteLine(mistake);
            }

            return ConfigurationOutcome.Exit(ExitCodes.Configuration);
        }

        var topology = NodeTopology.From(result.Options);
        topology = topology.AsOwnerOfDirectory(
            DataDirectory.FindOwner(SystemFiles.Instance, topology.DataDirectory, topology.ClusterId));
        if (line.AskHealth)
        {
            // The node that runs may do so with former certificates, so those that there are now are not checked.
            return new ConfigurationOutcome(result.Options, topology, null) { AskHealth = true };
        }

        bool isDevelopment = builder.Environment.IsDevelopment();
        if (!TrySecure(result.Options, topology, isDevelopment, out CertificateStore? certificates))
        {
            return ConfigurationOutcome.Exit(ExitCodes.Configuration);
        }

        if (line.CheckConfig)
        {
            foreach (string text in EffectiveSettings.AsToml(result))
            {
                Console.Out.WriteLine(text);
            }

            return ConfigurationOutcome.Exit(ExitCodes.Clean);
        }

        Register(builder.Services, result, topology);
        return new ConfigurationOutcome(result.Options, topology, null) { Certificates = certificates };
    }

    /// <summary>
    /// Opens the certificates, if the settings name any; false, with the reason on standard error, if they cannot be
    /// used or this node may not do without.
    /// </summary>
    private static bool TrySecure(
        NodeOptions options, NodeTopology topology, bool isDevelopment, out CertificateStore? certificates)
    {
        certificates = null;
        string? why = isDevelopment ? null : TlsRules.WhyNotOpen(options, topology);
        try
        {
            certificates = why is null && options.ToTlsOptions(topology) is { } tls
                ? CertificateStore.Open(tls, TimeProvider.System)
                : null;
        }
        catch (CertificateException mistake)
        {
            why = mistake.Message;
        }

        if (why is not null)
        {
            Console.Error.WriteLine(why);
        }

        return why is null;
    }

    /// <summary>Reads the layers into validated options, without touching the process.</summary>
    /// <param name="configuration">Already has the weaker layers; the others are added.</param>
    /// <param name="configVariable">The value of KVCLOUD_CONFIG; null if it is not set.</param>
    public static SettingsResult Load(
        IConfigurationManager configuration,
        CommandLine line,
        string? configVariable,
        string workingDirectory,
        IConfigurationSource environment,
        bool isDevelopment)
    {
        List<string> mistakes = [.. line.Mistakes];
        AddFile(configuration, line, configVariable, workingDirectory, mistakes);
        configuration.Add(environment);
        configuration.Add(new CommandLineSource(line));

        // A ConfigurationManager is its own root.
        SettingsResult read = SettingsReader.Read((IConfigurationRoot)configuration);
        mistakes.AddRange(read.Mistakes);
        mistakes.AddRange(ParentWatchMistakes(configuration));
        NodeOptions options = WithDependentDefaults(read, isDevelopment);

        if (read.Mistakes.Count == 0)
        {
            // A setting that could not be parsed has its default here; checking that against the others would only
            // add errors that confuse.
            mistakes.AddRange(NodeOptionsValidator.Validate(options, read.Origins));
        }

        return new SettingsResult(options, read.Origins, mistakes);
    }

    private static void AddFile(
        IConfigurationManager configuration,
        CommandLine line,
        string? configVariable,
        string workingDirectory,
        List<string> mistakes)
    {
        (string? file, string origin) = line.ConfigFile is not null
            ? (line.ConfigFile, "--config")
            : (string.IsNullOrEmpty(configVariable) ? null : configVariable, ConfigFileVariable);
        string path = Path.Combine(workingDirectory, file ?? DefaultFile);
        if (!File.Exists(path))
        {
            if (file is not null)
            {
                mistakes.Add($"{origin} names the file {file}, which does not exist.");
            }

            return;
        }

        try
        {
            configuration.Add(new TomlConfigurationSource(path, file ?? DefaultFile));
        }
        catch (TomlFileException exception)
        {
            mistakes.Add(exception.Message);
        }
    }

    /// <summary>Fills in the defaults that depend on other settings or on the environment.</summary>
    private static NodeOptions WithDependentDefaults(SettingsResult read, bool isDevelopment)
    {
        NodeOptions options = read.Options with { Tls = TlsRules.WithDefaults(read.Options.Tls) };
        if (options.Security.AllowFaultInjection is null)
        {
            options = options with { Security = options.Security with { AllowFaultInjection = isDevelopment } };
        }

        if (!options.Reads.AllowStaleReads && !read.Origins.ContainsKey("reads.consistency_level"))
        {
            options = options with
            {
                Reads = options.Reads with { ConsistencyLevel = ReadConsistency.ReadIndex },
            };
        }

        return options;
    }

    private static IEnumerable<string> ParentWatchMistakes(IConfiguration configuration)
    {
        string? pid = configuration[ParentProcessVariable];
        if (!string.IsNullOrEmpty(pid)
            && !(int.TryParse(pid, NumberStyles.None, CultureInfo.InvariantCulture, out int parsed) && parsed > 0))
        {
            yield return $"{ParentProcessVariable} is \"{pid}\" (environment); it must be the id of a process.";
        }
    }

    private static void Register(IServiceCollection services, SettingsResult result, NodeTopology topology)
    {
        NodeOptions options = result.Options;
        services.AddSingleton(result);
        services.AddSingleton(options);
        services.AddSingleton(topology);
        services.AddSingleton(options.Deployment);
        services.AddSingleton(options.Consensus);
        services.AddSingleton(options.Reads);
        services.AddSingleton(options.Cluster);
        services.AddSingleton(options.Limits);
        services.AddSingleton(options.Security);
    }
}

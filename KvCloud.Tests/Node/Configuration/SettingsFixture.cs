using KvCloud.Node.Configuration;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.EnvironmentVariables;

namespace KvCloud.Tests.Node.Configuration;

/// <summary>Loads settings from texts, through the very layers of the node, in a directory of its own.</summary>
internal sealed class SettingsFixture : IDisposable
{
    public const string Architecture =
        """
        [deployment]
        mode = "replicated"            # or "standalone"
        instance_id = 0
        replica_endpoints = ["localhost:9090", "localhost:9091", "localhost:9092"]   # Thrift, for clients
        [consensus]
        algorithm = "paxos"            # the only one; anything else is refused by name
        election_timeout_ms = 1000
        heartbeat_interval_ms = 100
        max_batch_size = 1024
        max_outstanding_proposals = 256
        endpoints = ["localhost:9190", "localhost:9191", "localhost:9192"]           # replicas; default: Thrift port + 100
        [reads]
        consistency_level = "local"    # local | leader | read_index
        allow_stale_reads = true
        max_staleness_ms = 5000
        [cluster]
        health_check_interval_ms = 1000
        node_timeout_ms = 3000
        [database]
        base_path = "./data"           # replica i uses <base_path>/node_<i>
        """;

    public string WorkingDirectory { get; } = Directory.CreateTempSubdirectory("kvcloud-config-").FullName;

    public SettingsResult Load(
        string? toml = null,
        string[]? args = null,
        IReadOnlyDictionary<string, string>? environment = null,
        string? appSettings = null,
        string? configVariable = null,
        bool isDevelopment = false)
    {
        if (toml is not null)
        {
            File.WriteAllText(Path.Combine(WorkingDirectory, NodeConfiguration.DefaultFile), toml);
        }

        using ConfigurationManager configuration = new();
        if (appSettings is not null)
        {
            File.WriteAllText(Path.Combine(WorkingDirectory, "appsettings.json"), appSettings);
            configuration.AddJsonFile(Path.Combine(WorkingDirectory, "appsettings.json"));
        }

        return NodeConfiguration.Load(
            configuration, KvCloud.Node.Configuration.CommandLine.Parse(args ?? []), configVariable, WorkingDirectory,
            new FakeEnvironment(environment ?? new Dictionary<string, string>()), isDevelopment);
    }

    public void Dispose() => Directory.Delete(WorkingDirectory, recursive: true);

    /// <summary>The variables of one test, with the names and the provider that real ones have.</summary>
    private sealed class FakeEnvironment(IReadOnlyDictionary<string, string> variables) : IConfigurationSource
    {
        public IConfigurationProvider Build(IConfigurationBuilder builder) => new Provider(variables);

        private sealed class Provider(IReadOnlyDictionary<string, string> variables)
            : EnvironmentVariablesConfigurationProvider
        {
            public override void Load()
            {
                foreach ((string name, string value) in variables)
                {
                    Data[name.Replace("__", ConfigurationPath.KeyDelimiter, StringComparison.Ordinal)] = value;
                }
            }
        }
    }
}

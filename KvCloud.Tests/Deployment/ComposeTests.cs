using System.Diagnostics;
using System.Globalization;
using KvCloud.Certificates;
using KvCloud.LocalCluster;
using KvCloud.Node.Configuration;
using KvCloud.Tests.Deployment.Monitoring;
using KvCloud.Tests.Node.Configuration;
using KvCloud.Tests.Node.Diagnostics;
using KvCloud.Tests.Support;
using Microsoft.Extensions.Hosting;
using YamlDotNet.RepresentationModel;

namespace KvCloud.Tests.Deployment;

/// <summary>deploy/compose, as docker-compose reads it, against the node's own settings.</summary>
public sealed class ComposeTests
{
    private const string Loopback = "127.0.0.1";
    private const string CertificateDirectory = "/etc/kvcloud/tls";
    private const string DefaultFile = "docker-compose.yaml";
    private const string InsecureFile = "insecure.yaml";

    private static readonly string Folder = Repository.File("deploy", "compose");

    [FactNeeds("docker-compose")]
    public async Task Compose_replicas_have_valid_settings_that_fit_each_other_and_their_ports()
    {
        YamlMappingNode[] replicas = [.. Replicas(await ConfigAsync())];

        Assert.Contains(replicas.Length, Topology.GroupSizes);
        for (int index = 0; index < replicas.Length; index++)
        {
            using var fixture = new SettingsFixture();
            SettingsResult settings = fixture.Load(environment: EnvironmentOf(replicas[index]));
            Assert.Empty(settings.Mistakes);
            var topology = NodeTopology.From(settings.Options);
            Assert.Equal(index, topology.SelfId);
            Assert.Equal(replicas.Length, topology.Replicas.Count);
            Assert.Equal("*", topology.ListenAddress);
            Assert.Equal($"node-{Text(index)}:{Text(topology.PeerPort)}", topology.Self.PeerEndpoint);
            Assert.Equal($"localhost:{Text(topology.ThriftPort)}", topology.Self.ClientEndpoint);
            Assert.Equal(
                [
                    $"{Loopback}:{Text(topology.ThriftPort)}:{Text(topology.ThriftPort)}/tcp",
                    $"{Loopback}:{Text(topology.HttpPort)}:{Text(topology.HttpPort)}/tcp",
                ],
                Published(replicas[index]));
            Assert.Equal(
                [
                    $"node-{Text(index)}:{settings.Options.Database.BasePath}:rw",
                    $"{Path.Combine(Folder, "certificates")}/node-{Text(index)}:{CertificateDirectory}:ro",
                ],
                Mounts(replicas[index]));
        }
    }

    /// <summary>The files are those that `kv cert create-node --out certificates/node-0` makes.</summary>
    [FactNeeds("docker-compose")]
    public async Task Compose_replicas_speak_tls_on_every_port_with_the_files_of_kv_cert()
    {
        YamlMappingNode[] replicas = [.. Replicas(await ConfigAsync())];
        for (int index = 0; index < replicas.Length; index++)
        {
            using var fixture = new SettingsFixture();
            NodeOptions options = fixture.Load(environment: EnvironmentOf(replicas[index])).Options;
            var paths = CertificatePaths.OfNode(CertificateDirectory, index);

            Assert.Null(TlsRules.WhyNotOpen(options, NodeTopology.From(options)));
            Assert.False(options.Security.Insecure);
            Assert.Equal(
                (paths.Certificate, paths.Key, CertificatePaths.AuthorityBeside(paths.Certificate)),
                (options.Tls.Certificate, options.Tls.Key, options.Tls.Ca));
        }
    }

    [FactNeeds("docker-compose")]
    public async Task Compose_without_tls_says_so_and_mounts_no_certificate()
    {
        YamlMappingNode config = await ConfigAsync([DefaultFile, InsecureFile]);

        Assert.All(Replicas(config), replica =>
        {
            using var fixture = new SettingsFixture();
            SettingsResult settings = fixture.Load(environment: EnvironmentOf(replica));
            Assert.Empty(settings.Mistakes);
            Assert.True(settings.Options.Security.Insecure);
            Assert.NotNull(TlsRules.OpenPorts(settings.Options, NodeTopology.From(settings.Options)));
        });
        Assert.DoesNotContain(
            Services(config).SelectMany(Mounts),
            mount => mount.Contains("certificates", StringComparison.Ordinal));
        Assert.Contains(
            $"{InsecurePrometheusFile}:/etc/prometheus/prometheus.yml:ro",
            Services(config).SelectMany(Mounts));
    }

    [FactNeeds("docker-compose")]
    public async Task Compose_variables_that_are_no_settings_are_documented()
    {
        Assert.All(
            Replicas(await ConfigAsync()).SelectMany(replica => EnvironmentOf(replica).Keys),
            name => Assert.True(DocumentedVariables.Knows(name), name));
    }

    [FactNeeds("docker-compose")]
    public async Task Compose_settings_that_are_secret_come_from_outside()
    {
        string[] secrets =
        [
            .. SettingsCatalog.All.Where(setting => setting.IsSecret)
                .Select(setting => setting.ConfigurationPath.Replace(":", "__", StringComparison.Ordinal)),
        ];
        YamlMappingNode without = await ConfigAsync();
        YamlMappingNode with = await ConfigAsync([.. secrets.Select(name => (name, "kept outside"))]);

        Assert.NotEmpty(secrets);
        Assert.All(Replicas(without), replica => Assert.Empty(EnvironmentOf(replica).Keys.Intersect(secrets)));
        Assert.All(Replicas(with), replica =>
            Assert.All(secrets, name => Assert.Equal("kept outside", EnvironmentOf(replica)[name])));
    }

    [FactNeeds("docker-compose")]
    public async Task Compose_ports_are_published_on_loopback_alone_unless_told()
    {
        YamlMappingNode byDefault = await ConfigAsync();
        YamlMappingNode told = await ConfigAsync(("KVCLOUD_BIND", "0.0.0.0"), ("KVCLOUD_HOST_1", "kv-1.example"));

        Assert.All(Services(byDefault).SelectMany(Published), port => Assert.StartsWith(Loopback, port));
        Assert.All(Services(told).SelectMany(Published), port => Assert.StartsWith("0.0.0.0:", port));
        Assert.All(Replicas(told), replica =>
            Assert.Equal("kv-1.example:9091", EnvironmentOf(replica)["KvCloud__Deployment__ReplicaEndpoints__1"]));
    }

    [FactNeeds("docker-compose")]
    public async Task Compose_replicas_run_the_image_with_the_least_they_need()
    {
        ImageSettings image = await ImageSettings.ReadAsync();
        string user = Text(image.User);
        YamlMappingNode config = await ConfigAsync();
        Assert.All(Replicas(config), replica =>
        {
            Assert.Contains(Scalar(replica, "image"), image.Tags.Select(tag => $"{image.Repository}:{tag}"));
            Assert.Equal($"{user}:{user}", Scalar(replica, "user"));
            Assert.Equal(["CMD", image.EntryPoint, "--health"], List(Map(replica, "healthcheck"), "test"));
            Assert.Equal("KvCloud.Node/Dockerfile", Scalar(Map(replica, "build"), "dockerfile"));
            string context = Scalar(Map(replica, "build"), "context");
            Assert.Equal(Repository.File(), Path.TrimEndingDirectorySeparator(context));
        });
        Assert.All(Services(config), service =>
        {
            Assert.Equal("true", Scalar(service, "read_only"));
            Assert.Equal(["ALL"], List(service, "cap_drop"));
            Assert.Contains("no-new-privileges:true", List(service, "security_opt"));
            Assert.NotEmpty(Map(Map(Map(service, "deploy"), "resources"), "limits").Children);
            Assert.NotEmpty(List(Map(service, "healthcheck"), "test"));
        });
    }

    [FactNeeds("docker-compose")]
    public async Task Compose_grace_period_is_longer_than_drain_and_shutdown()
    {
        foreach (YamlMappingNode replica in Replicas(await ConfigAsync()))
        {
            using var fixture = new SettingsFixture();
            SettingsResult settings = fixture.Load(environment: EnvironmentOf(replica));
            TimeSpan stopping = TimeSpan.FromMilliseconds(settings.Options.Limits.DrainTimeoutMs)
                + new HostOptions().ShutdownTimeout;

            Assert.True(Seconds(Scalar(replica, "stop_grace_period")) > stopping.TotalSeconds);
        }
    }

    [FactNeeds("docker-compose")]
    public async Task Compose_prometheus_scrapes_every_replica()
    {
        var expected = new List<string>();
        foreach (YamlMappingNode replica in Replicas(await ConfigAsync()))
        {
            using var fixture = new SettingsFixture();
            var topology = NodeTopology.From(fixture.Load(environment: EnvironmentOf(replica)).Options);
            expected.Add($"node-{Text(topology.SelfId)}:{Text(topology.HttpPort)}");
        }

        var job = (YamlMappingNode)((YamlSequenceNode)Parse(
            await File.ReadAllTextAsync(PrometheusFile))["scrape_configs"]).Single();
        Assert.Equal(expected, List((YamlMappingNode)((YamlSequenceNode)job["static_configs"]).Single(), "targets"));
        Assert.Equal("/metrics", Scalar(job, "metrics_path"));
        Assert.Equal("https", Scalar(job, "scheme"));
        string authority = Scalar(Map(job, "tls_config"), "ca_file");
        Assert.Contains(
            $"{Path.Combine(Folder, "certificates", "ca.crt")}:{authority}:ro",
            Services(await ConfigAsync()).SelectMany(Mounts));
        Assert.Contains(
            $"{AlertRule.RulesFile}:/etc/prometheus/rules/{Path.GetFileName(AlertRule.RulesFile)}:ro",
            Services(await ConfigAsync()).SelectMany(Mounts));
    }

    [FactNeeds("promtool")]
    public async Task Compose_prometheus_accepts_its_configuration()
    {
        foreach (string file in (string[])[PrometheusFile, InsecurePrometheusFile])
        {
            Assert.Contains("SUCCESS", await ToolRun.OutputAsync("promtool", "check", "config", file));
        }
    }

    /// <summary>But for TLS, both scrape the same.</summary>
    [Fact]
    public async Task Compose_prometheus_without_tls_differs_in_nothing_else()
    {
        string[] secure = await File.ReadAllLinesAsync(PrometheusFile);
        string[] insecure = await File.ReadAllLinesAsync(InsecurePrometheusFile);

        Assert.Equal(
            ["scheme: https", "tls_config:", "ca_file: /etc/prometheus/ca.crt"],
            secure.Except(insecure).Select(line => line.Trim()));
        Assert.Empty(insecure.Except(secure));
    }

    private static string PrometheusFile => Path.Combine(Folder, "prometheus.yml");

    private static string InsecurePrometheusFile => Path.Combine(Folder, "prometheus-insecure.yml");

    private static Task<YamlMappingNode> ConfigAsync(params (string Name, string Value)[] environment) =>
        ConfigAsync([DefaultFile], environment);

    private static async Task<YamlMappingNode> ConfigAsync(
        string[] files, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(
            "docker-compose",
            [.. files.SelectMany(file => (string[])["-f", Path.Combine(Folder, file)]), "config"]);
        string[] own =
            [.. start.Environment.Keys.Where(name => name.StartsWith("KVCLOUD_", StringComparison.OrdinalIgnoreCase))];
        foreach (string name in own)
        {
            start.Environment.Remove(name);
        }

        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        return Parse(await ToolRun.OutputAsync(start));
    }

    private static YamlMappingNode Parse(string text)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(text));
        return (YamlMappingNode)stream.Documents.Single().RootNode;
    }

    private static IEnumerable<YamlMappingNode> Services(YamlMappingNode config) =>
        Map(config, "services").Children.Values.Cast<YamlMappingNode>();

    /// <summary>By their numbers.</summary>
    private static IEnumerable<YamlMappingNode> Replicas(YamlMappingNode config) =>
        Map(config, "services").Children
            .Where(service => ((YamlScalarNode)service.Key).Value!.StartsWith("node-", StringComparison.Ordinal))
            .OrderBy(service => ((YamlScalarNode)service.Key).Value, StringComparer.Ordinal)
            .Select(service => (YamlMappingNode)service.Value);

    /// <summary>A variable without a value is taken from the environment of docker-compose.</summary>
    private static Dictionary<string, string> EnvironmentOf(YamlMappingNode service) =>
        Map(service, "environment").Children
            .Where(variable => ((YamlScalarNode)variable.Value).Value is not (null or "" or "null"))
            .ToDictionary(
                variable => ((YamlScalarNode)variable.Key).Value!, variable => ((YamlScalarNode)variable.Value).Value!);

    /// <summary>address:published:target/tcp, in the short form of version 1 or the long one of version 2.</summary>
    private static IReadOnlyList<string> Published(YamlMappingNode service) =>
    [
        .. ((YamlSequenceNode)service["ports"]).Select(port => port is YamlMappingNode whole
            ? $"{Scalar(whole, "host_ip")}:{Scalar(whole, "published")}:{Scalar(whole, "target")}/"
                + Scalar(whole, "protocol")
            : ((YamlScalarNode)port).Value!),
    ];

    /// <summary>
    /// source:target:mode, in the short form of version 1 or the long one of version 2. What is kept in memory is left
    /// out.
    /// </summary>
    private static IReadOnlyList<string> Mounts(YamlMappingNode service) =>
    [
        .. ((YamlSequenceNode)service["volumes"]).Where(mount => !IsInMemory(mount)).Select(mount =>
            mount is YamlMappingNode whole
            ? $"{Scalar(whole, "source")}:{Scalar(whole, "target")}:"
                + (whole.Children.ContainsKey("read_only") ? "ro" : "rw")
            : ((YamlScalarNode)mount).Value!),
    ];

    private static bool IsInMemory(YamlNode mount) =>
        mount is YamlMappingNode whole && Scalar(whole, "type") == "tmpfs";

    private static YamlMappingNode Map(YamlMappingNode node, string key) => (YamlMappingNode)node[key];

    private static string Scalar(YamlMappingNode node, string key) => ((YamlScalarNode)node[key]).Value!;

    private static IReadOnlyList<string> List(YamlMappingNode node, string key) =>
        [.. ((YamlSequenceNode)node[key]).Select(item => ((YamlScalarNode)item).Value!)];

    /// <summary>Of 60s, or of 1m0s as version 2 writes it.</summary>
    private static double Seconds(string duration)
    {
        double seconds = 0;
        string digits = "";
        foreach (char letter in duration)
        {
            if (char.IsAsciiDigit(letter))
            {
                digits += letter;
                continue;
            }

            double number = double.Parse(digits, CultureInfo.InvariantCulture);
            seconds += letter switch { 'h' => 3600 * number, 'm' => 60 * number, 's' => number, _ => double.NaN };
            digits = "";
        }

        return seconds;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}

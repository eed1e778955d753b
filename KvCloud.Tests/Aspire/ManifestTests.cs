using System.Diagnostics;
using System.Text.Json.Nodes;
using KvCloud.Node.Configuration;
using KvCloud.Tests.Live;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Aspire;

/// <summary>The manifest that azd deploys from, written by our AppHost's own program.</summary>
[Collection(LiveCollection.Name)]
public sealed class ManifestTests(ManifestTests.Manifest manifest) : IClassFixture<ManifestTests.Manifest>
{
    private static readonly string[] Replicas = ["kv-0", "kv-1", "kv-2"];

    [Fact]
    public void AddKvCloud_connection_string_in_a_manifest_refers_to_every_replica()
    {
        JsonNode cluster = manifest.Resource("kv");

        Assert.Equal("value.v0", (string?)cluster["type"]);
        Assert.Equal(
            "Endpoints=" + string.Join(',', Replicas.Select(
                name => $"{{{name}.bindings.thrift.host}}:{{{name}.bindings.thrift.port}}")),
            (string?)cluster["connectionString"]);
    }

    [Fact]
    public void AddKvCloud_replicas_in_a_manifest_are_containers_built_from_the_node_project()
    {
        foreach (JsonNode replica in Replicas.Select(manifest.Resource))
        {
            Assert.Equal("container.v1", (string?)replica["type"]);
            string context = manifest.PathOf(replica["build"]!["context"]!);
            Assert.True(File.Exists(Path.Combine(context, "KvCloud.sln")), context);
            string dockerfile = manifest.PathOf(replica["build"]!["dockerfile"]!);
            Assert.Equal(Path.Combine(context, "KvCloud.Node", "Dockerfile"), dockerfile);
            Assert.True(File.Exists(dockerfile), dockerfile);
        }
    }

    [Fact]
    public void AddKvCloud_volumes_in_a_manifest_are_one_for_each_replica_where_it_keeps_its_data()
    {
        var names = new List<string>();
        foreach (JsonNode replica in Replicas.Select(manifest.Resource))
        {
            JsonNode volume = Assert.Single(replica["volumes"]!.AsArray())!;
            names.Add((string)volume["name"]!);
            Assert.Equal((string?)replica["env"]!["KvCloud__Database__BasePath"], (string?)volume["target"]);
            Assert.False((bool)volume["readOnly"]!);
        }

        Assert.Equal(3, names.Distinct().Count());
    }

    [Fact]
    public void AddKvCloud_bindings_in_a_manifest_are_tcp_for_clients_and_peers_http_for_health_and_none_external()
    {
        foreach (JsonNode replica in Replicas.Select(manifest.Resource))
        {
            JsonObject bindings = replica["bindings"]!.AsObject();
            Assert.Equal(["http", "peer", "thrift"], bindings.Select(b => b.Key).Order(StringComparer.Ordinal));
            Assert.Equal(["http", "tcp", "tcp"], bindings.OrderBy(b => b.Key, StringComparer.Ordinal)
                .Select(b => (string)b.Value!["scheme"]!));
            JsonNode env = replica["env"]!;
            Assert.Equal((string?)env["KvCloud__Listen__ThriftPort"], bindings["thrift"]!["targetPort"]!.ToString());
            Assert.Equal((string?)env["KvCloud__Listen__PeerPort"], bindings["peer"]!["targetPort"]!.ToString());
            Assert.Equal((string?)env["KvCloud__Listen__HttpPort"], bindings["http"]!["targetPort"]!.ToString());

            // Whoever reaches a replica may read and write: nothing of it is open to the internet.
            Assert.All(bindings, binding => Assert.Null(binding.Value!["external"]));
        }
    }

    [Fact]
    public void AddKvCloud_environment_in_a_manifest_of_every_replica_refers_to_every_other()
    {
        foreach ((JsonNode replica, int index) in Replicas.Select(manifest.Resource).Select((r, i) => (r, i)))
        {
            JsonNode env = replica["env"]!;
            Assert.Equal($"{index}", (string?)env["KvCloud__Deployment__InstanceId"]);
            Assert.Equal("Production", (string?)env["ASPNETCORE_ENVIRONMENT"]);
            for (int other = 0; other < Replicas.Length; other++)
            {
                string name = Replicas[other];
                Assert.Equal($"_peer.{name}", (string?)env[$"KvCloud__Consensus__Endpoints__{other}"]);
                Assert.Equal($"{{{name}.bindings.peer.url}}", (string?)env[$"services__{name}__peer__0"]);
                Assert.Equal(
                    $"{{{name}.bindings.thrift.host}}:{{{name}.bindings.thrift.port}}",
                    (string?)env[$"KvCloud__Deployment__ReplicaEndpoints__{other}"]);
            }
        }
    }

    [Fact]
    public void AddKvCloud_environment_in_a_manifest_has_only_settings_that_a_replica_has()
    {
        HashSet<string> settings =
            [.. SettingsCatalog.All.Select(setting => setting.EnvironmentName)];

        IEnumerable<string> unknown = Replicas.Select(manifest.Resource)
            .SelectMany(replica => replica["env"]!.AsObject().Select(variable => variable.Key))
            .Where(name => name.StartsWith("KvCloud__", StringComparison.Ordinal))
            .Select(name => System.Text.RegularExpressions.Regex.Replace(name, @"__\d+$", ""))
            .Distinct()
            .Where(name => !settings.Contains(name));

        Assert.Empty(unknown);
    }

    /// <summary>Written once for all tests.</summary>
    public sealed class Manifest : IAsyncLifetime
    {
        private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

        /// <summary>
        /// In the same configuration as the tests, the last folders of whose path are bin/CONFIGURATION/FRAMEWORK.
        /// </summary>
        private static readonly string AppHostAssembly = Repository.File(
            ["KvCloud.AppHost", .. AppContext.BaseDirectory.TrimEnd('/').Split('/')[^3..], "KvCloud.AppHost.dll"]);

        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("kvcloud-manifest-");
        private JsonNode? _root;

        public JsonNode Resource(string name) => _root!["resources"]![name]!;

        public string PathOf(JsonNode relative) => Path.GetFullPath((string)relative!, _folder.FullName);

        public async Task InitializeAsync()
        {
            string file = Path.Combine(_folder.FullName, "aspire-manifest.json");
            using var limit = new CancellationTokenSource(Limit);
            using Process program = Process.Start(new ProcessStartInfo(
                "dotnet",
                [
                    AppHostAssembly,
                    "--publisher", "manifest", "--output-path", file,
                ])
            {
                RedirectStandardOutput = true,
            })!;
            string output = await program.StandardOutput.ReadToEndAsync(limit.Token);
            await program.WaitForExitAsync(limit.Token);
            Assert.True(program.ExitCode == 0, output);
            _root = JsonNode.Parse(await File.ReadAllTextAsync(file, limit.Token));
        }

        public Task DisposeAsync()
        {
            _folder.Delete(recursive: true);
            return Task.CompletedTask;
        }
    }
}

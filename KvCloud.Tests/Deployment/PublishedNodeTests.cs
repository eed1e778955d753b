using System.Diagnostics;
using System.Globalization;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using k8s.Models;
using KvCloud.Client;
using KvCloud.LocalCluster;
using KvCloud.Node.Configuration;
using KvCloud.Tests.Live;
using KvCloud.Tests.Support;
using Xunit.Abstractions;

namespace KvCloud.Tests.Deployment;

/// <summary>What is in the image runs as the image's user, and writes nowhere but into its volume.</summary>
[Collection(LiveCollection.Name)]
public sealed class PublishedNodeTests(PublishedNode node, ITestOutputHelper log) : IClassFixture<PublishedNode>
{
    private const string TlsPrefix = "KvCloud__Tls__";

    private static readonly TimeSpan StartTimeout = TimeSpan.FromMinutes(3);

    [UnixFact]
    public void PublishedNode_image_has_one_native_library_and_nothing_for_developers()
    {
        string[] files =
            [.. Directory.EnumerateFiles(node.Folder, "*", SearchOption.AllDirectories).Select(Path.GetFileName)!];

        Assert.Equal(["librocksdb.so"], files.Where(file => file.Contains(".so", StringComparison.Ordinal)));
        Assert.DoesNotContain(files, file => Path.GetExtension(file) is ".xml" or ".pdb" or ".dylib" or ".cs");
        Assert.False(Directory.Exists(Path.Combine(node.Folder, "runtimes")));
    }

    [UnixFact]
    public async Task PublishedNode_native_library_needs_nothing_but_what_the_base_image_has()
    {
        string needs = await ToolRun.OutputAsync("ldd", Path.Combine(node.Folder, "librocksdb.so"));
        IEnumerable<string> libraries = needs.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => Path.GetFileName(line.Trim().Split(' ')[0]));

        // Of the packages libc6, libgcc-s1 and libstdc++6; the first is what the kernel provides.
        Assert.Empty(libraries.Except(
            ["linux-vdso.so.1", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "libc.so.6", "libm.so.6",
             "libgcc_s.so.1", "libstdc++.so.6"]));
    }

    /// <summary>
    /// The environment is the stateful set's but for names, ports and the place of the certificates: there is no
    /// cluster's DNS here, and no mount. The certificates are of the code behind `kv cert`.
    /// </summary>
    [UnixFact]
    public async Task PublishedNode_pods_of_the_stateful_set_become_healthy_and_write_into_their_volumes_alone()
    {
        string certificates = await node.NewCertificatesAsync(
            (await ImageSettings.ReadAsync()).User,
            PodEnvironment.Of(Manifests.StatefulSet, 0)["KvCloud__Cluster__Id"],
            3);
        await RunAsync(
            Manifests.StatefulSet,
            variables =>
            {
                foreach (string name in variables.Keys.Where(name => name.StartsWith(TlsPrefix)).ToArray())
                {
                    variables[name] = variables[name].Replace(
                        CertificateMount.MountPath, certificates, StringComparison.Ordinal);
                }
            },
            Path.Combine(certificates, "0", "ca.crt"));
    }

    [FactNeeds("kubectl")]
    public async Task PublishedNode_pods_without_tls_become_healthy_as_their_component_says()
    {
        DirectoryInfo overlay = Directory.CreateTempSubdirectory("kvcloud-overlay-");
        try
        {
            string yaml = await Manifests.BuildAsync(overlay.FullName, ["insecure"]);
            await RunAsync(Manifests.Parse(yaml).OfType<V1StatefulSet>().Single(), _ => { }, authority: null);
        }
        finally
        {
            overlay.Delete(recursive: true);
        }
    }

    private async Task RunAsync(V1StatefulSet set, Action<Dictionary<string, string>> adapt, string? authority)
    {
        int user = (await ImageSettings.ReadAsync()).User;
        int[] ports = FreePorts.Find(9);
        var pods = new List<Pod>();
        try
        {
            for (int i = 0; i < 3; i++)
            {
                Dictionary<string, string> variables = EnvironmentOf(set, i, ports);
                adapt(variables);
                pods.Add(new Pod(variables, await node.NewVolumeAsync(user)));
            }

            foreach (Pod pod in pods)
            {
                pod.Start(await node.CommandAsync(pod.Volume, pod.Environment));
            }

            log.WriteLine($"shut in: {Sandbox.Kind}");
            await Task.WhenAll(pods.Select(WaitHealthyAsync));
            await WriteAndReadAsync(ports[..3], authority);
            await Task.WhenAll(pods.Select(pod => pod.StopAsync(Manifests.Pod.TerminationGracePeriodSeconds!.Value)));

            foreach (Pod pod in pods)
            {
                Assert.True(pod.ExitCode == ExitCodes.Clean, $"exit code {pod.ExitCode}\n{pod.Said}");
                Assert.DoesNotContain("Read-only file system", pod.Said, StringComparison.Ordinal);

                // The base image's HTTP_PORTS are not the node's.
                Assert.DoesNotContain("Overriding address", pod.Said, StringComparison.Ordinal);
            }

            Assert.Equal(
                ["node_0", "node_1", "node_2"],
                pods.SelectMany(pod => Directory.EnumerateFileSystemEntries(pod.Volume)).Select(Path.GetFileName));
        }
        finally
        {
            pods.ForEach(pod => pod.Dispose());
        }
    }

    [UnixFact]
    public async Task PublishedNode_health_of_one_that_does_not_run_is_said_and_1()
    {
        int port = FreePorts.Find(1)[0];
        ProcessStartInfo start = await node.CommandAsync(
            await node.NewVolumeAsync((await ImageSettings.ReadAsync()).User),
            new Dictionary<string, string>(),
            "--health", $"--listen.http_port={port.ToString(CultureInfo.InvariantCulture)}");

        (int exitCode, string said, string errors) = await ToolRun.RunAsync(start);

        Assert.Equal((ExitCodes.Unhealthy, ""), (exitCode, errors));
        Assert.StartsWith($"http://127.0.0.1:{port}/health does not answer", said, StringComparison.Ordinal);
    }

    private static V1VolumeMount CertificateMount =>
        Manifests.Container.VolumeMounts.Single(mount => mount.Name == "certificates");

    private static Dictionary<string, string> EnvironmentOf(V1StatefulSet set, int ordinal, int[] ports)
    {
        Dictionary<string, string> variables = PodEnvironment.Of(set, ordinal);
        variables[NodeConfiguration.ConfigFileVariable] = Manifests.SettingsFile;
        variables["KvCloud__Listen__HttpPort"] = Text(ports[6 + ordinal]);
        for (int i = 0; i < 3; i++)
        {
            string endpoint = $"KvCloud__Deployment__ReplicaEndpoints__{Text(i)}";
            Assert.True(variables.ContainsKey(endpoint), endpoint);
            variables[endpoint] = $"127.0.0.1:{Text(ports[i])}";
            variables[$"KvCloud__Consensus__Endpoints__{Text(i)}"] = $"127.0.0.1:{Text(ports[3 + i])}";
        }

        return variables;
    }

    /// <summary>Asked as the health check of Compose asks.</summary>
    private async Task WaitHealthyAsync(Pod pod)
    {
        string said = "";
        for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < StartTimeout;)
        {
            ProcessStartInfo question = await node.CommandAsync(pod.Volume, pod.Environment, "--health");
            (int exitCode, said, string errors) = await ToolRun.RunAsync(question);
            if (exitCode == ExitCodes.Clean)
            {
                return;
            }

            Assert.True(exitCode == ExitCodes.Unhealthy, $"exit code {exitCode}: {said}{errors}");
            Assert.False(pod.HasExited, pod.Said);
            await Task.Delay(100);
        }

        Assert.Fail($"not healthy within {StartTimeout.TotalSeconds} s: {said}\n{pod.Said}");
    }

    private static async Task WriteAndReadAsync(int[] ports, string? authority)
    {
        await using var client = new KvCloudClient(new KvCloudClientSettings
        {
            ConnectionString = string.Join(',', ports.Select(port => $"127.0.0.1:{Text(port)}")),
            TlsOptions = authority is null
                ? null
                : new SslClientAuthenticationOptions { CertificateChainPolicy = Trusting(authority) },
        });
        await client.SetAsync("image", "runs");
        Assert.Equal("runs", await client.GetStringAsync("image"));
    }

    private static X509ChainPolicy Trusting(string authority)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        policy.CustomTrustStore.ImportFromPemFile(authority);
        return policy;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}

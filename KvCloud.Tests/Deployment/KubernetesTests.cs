using System.Globalization;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using KvCloud.LocalCluster;
using KvCloud.Node.Configuration;
using KvCloud.Tests.Node.Configuration;
using KvCloud.Tests.Support;
using Microsoft.Extensions.Hosting;
using ServiceDefaults = Microsoft.Extensions.Hosting.Extensions;

namespace KvCloud.Tests.Deployment;

/// <summary>deploy/kubernetes: that Kubernetes knows every field of it, and the node every setting.</summary>
public sealed class KubernetesTests
{
    private static readonly V1StatefulSet Set = Manifests.StatefulSet;

    public static TheoryData<int> Ordinals => [.. Enumerable.Range(0, Set.Spec.Replicas!.Value)];

    [Fact]
    public void Manifests_of_kubernetes_are_what_it_knows_and_nothing_else()
    {
        Assert.Equal(
            ["NetworkPolicy", "PodDisruptionBudget", "Service", "Service", "StatefulSet"],
            Manifests.Objects.Select(item => item.Kind).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Manifests_with_a_field_that_kubernetes_does_not_know_are_refused()
    {
        string yaml = File.ReadAllText(Path.Combine(Manifests.Folder, "statefulset.yaml"));
        string misspelt = yaml.Replace("readOnlyRootFilesystem", "readonlyRootFilesystem", StringComparison.Ordinal);

        Assert.NotEqual(yaml, misspelt);
        Assert.ThrowsAny<Exception>(() => Manifests.Parse(misspelt).ToArray());
    }

    [FactNeeds("kubectl")]
    public async Task Manifests_through_kustomize_are_put_together_with_the_settings()
    {
        string yaml = await ToolRun.OutputAsync("kubectl", "kustomize", Manifests.Folder);

        IKubernetesObject<V1ObjectMeta>[] built = [.. Manifests.Parse(yaml)];
        V1ConfigMap settings = built.OfType<V1ConfigMap>().Single();
        V1StatefulSet set = built.OfType<V1StatefulSet>().Single();
        Assert.Equal(Manifests.Objects.Count + 1, built.Length);
        Assert.Equal(File.ReadAllText(Manifests.SettingsFile), settings.Data[Manifests.Settings]);
        V1ConfigMapVolumeSource volume = Manifests.SettingsOf(set);
        Assert.Equal(settings.Metadata.Name, volume.Name);
        Assert.NotEqual(Manifests.SettingsOf(Set).Name, settings.Metadata.Name);

        // But for that name, what is applied is what the other tests read.
        volume.Name = Manifests.SettingsOf(Set).Name;
        Assert.True(JsonNode.DeepEquals(AsJson(Set), AsJson(set)), $"{AsJson(Set)}\n{AsJson(set)}");
    }

    [Theory]
    [MemberData(nameof(Ordinals))]
    public void Manifests_settings_of_a_replica_are_valid_and_say_what_the_manifests_say(int ordinal)
    {
        using var fixture = new SettingsFixture();
        SettingsResult settings = fixture.Load(
            environment: PodEnvironment.Of(Set, ordinal), configVariable: Manifests.SettingsFile);

        Assert.Empty(settings.Mistakes);
        var topology = NodeTopology.From(settings.Options);
        Assert.Equal(ordinal, topology.SelfId);
        Assert.Equal(Set.Spec.Replicas, topology.Replicas.Count);
        Assert.Equal("*", topology.ListenAddress);
        Assert.Equal(Manifests.ContainerPort("thrift"), topology.ThriftPort);
        Assert.Equal(Manifests.ContainerPort("peer"), topology.PeerPort);
        Assert.Equal(Manifests.ContainerPort("http"), topology.HttpPort);
        Assert.All(topology.Replicas, replica =>
        {
            string pod = $"{Set.Metadata.Name}-{Text(replica.NodeId)}";
            string host = $"{pod}.{Set.Spec.ServiceName}.{PodEnvironment.Namespace}.svc";
            Assert.Equal($"{host}:{Text(topology.ThriftPort)}", replica.ClientEndpoint);
            Assert.Equal($"{host}:{Text(topology.PeerPort)}", replica.PeerEndpoint);
        });
    }

    [Fact]
    public void Manifests_settings_file_is_where_the_node_is_told_to_look()
    {
        V1VolumeMount mount = Manifests.Container.VolumeMounts.Single(mount => mount.Name == "config");

        Assert.Equal(
            $"{mount.MountPath}/{Manifests.Settings}",
            PodEnvironment.Of(Set, 0)[NodeConfiguration.ConfigFileVariable]);
        Assert.Contains(Manifests.Pod.Volumes, volume => volume.Name == "config");
    }

    [Fact]
    public void Manifests_variables_that_are_no_settings_are_documented_or_used_by_others()
    {
        string[] values = [.. Manifests.Container.Env.Select(variable => variable.Value ?? "")];

        Assert.All(
            Manifests.Container.Env.Select(variable => variable.Name),
            name => Assert.True(
                DocumentedVariables.Knows(name)
                    || values.Any(value => value.Contains($"$({name})", StringComparison.Ordinal)),
                name));
    }

    [Fact]
    public void Manifests_settings_that_are_secret_come_from_a_secret()
    {
        V1EnvVar[] secrets =
        [
            .. Manifests.Container.Env.Where(variable =>
                SettingsCatalog.FindByConfigurationPath(variable.Name.Replace("__", ":", StringComparison.Ordinal))
                    is { IsSecret: true }),
        ];

        Assert.Equal(SettingsCatalog.All.Count(setting => setting.IsSecret), secrets.Length);
        Assert.All(secrets, variable => Assert.NotNull(variable.ValueFrom.SecretKeyRef));
        using var fixture = new SettingsFixture();
        SettingsResult inTheOpen = fixture.Load(configVariable: Manifests.SettingsFile);
        Assert.DoesNotContain(SettingsCatalog.All, setting =>
            setting.IsSecret && inTheOpen.Origins.ContainsKey(setting.Path));
    }

    [Fact]
    public void Manifests_data_lies_in_the_claim_which_is_kept()
    {
        V1PersistentVolumeClaim claim = Set.Spec.VolumeClaimTemplates.Single();
        V1VolumeMount mount = Manifests.Container.VolumeMounts.Single(mount => mount.Name == claim.Metadata.Name);

        Assert.Equal(mount.MountPath, PodEnvironment.Of(Set, 0)["KvCloud__Database__BasePath"]);
        Assert.Equal("Retain", Set.Spec.PersistentVolumeClaimRetentionPolicy.WhenDeleted);
        Assert.Equal("Retain", Set.Spec.PersistentVolumeClaimRetentionPolicy.WhenScaled);
        Assert.Equal(["ReadWriteOnce"], claim.Spec.AccessModes);
        Assert.Contains("storage", claim.Spec.Resources.Requests.Keys);
    }

    [Fact]
    public void Manifests_probes_ask_paths_and_ports_that_exist()
    {
        V1Container container = Manifests.Container;

        Assert.Equal((ServiceDefaults.HealthPath, "http"), Target(container.ReadinessProbe));
        Assert.Equal((ServiceDefaults.AlivePath, "http"), Target(container.LivenessProbe));
        Assert.Equal((ServiceDefaults.AlivePath, "http"), Target(container.StartupProbe));
        Assert.Contains(container.Ports, port => port.Name == "http");
        Assert.All(
            (V1Probe[])[container.ReadinessProbe, container.LivenessProbe, container.StartupProbe],
            probe => Assert.Equal("HTTPS", probe.HttpGet.Scheme));
        Assert.Equal("https", Set.Spec.Template.Metadata.Annotations["prometheus.io/scheme"]);
        int startSeconds = container.StartupProbe.PeriodSeconds!.Value * container.StartupProbe.FailureThreshold!.Value;
        Assert.True(startSeconds >= 1800, $"a start that replays its log has only {startSeconds} s");
    }

    [Fact]
    public void Manifests_grace_period_is_longer_than_drain_and_shutdown()
    {
        using var fixture = new SettingsFixture();
        SettingsResult settings = fixture.Load(
            environment: PodEnvironment.Of(Set, 0), configVariable: Manifests.SettingsFile);
        TimeSpan stopping = TimeSpan.FromMilliseconds(settings.Options.Limits.DrainTimeoutMs)
            + new HostOptions().ShutdownTimeout;

        Assert.True(Manifests.Pod.TerminationGracePeriodSeconds > stopping.TotalSeconds);
    }

    [Fact]
    public void Manifests_majority_outlives_an_update_a_drain_and_a_machine()
    {
        int replicas = Set.Spec.Replicas!.Value;
        V1PodDisruptionBudget budget = Manifests.Objects.OfType<V1PodDisruptionBudget>().Single();
        int majority = (replicas / 2) + 1;

        Assert.Contains(replicas, Topology.GroupSizes);
        Assert.Equal("1", budget.Spec.MaxUnavailable.Value);
        Assert.True(replicas - 1 >= majority);
        Assert.Equal("RollingUpdate", Set.Spec.UpdateStrategy.Type);
        Assert.Null(Set.Spec.UpdateStrategy.RollingUpdate?.MaxUnavailable);
        Assert.Equal("Parallel", Set.Spec.PodManagementPolicy);
        V1PodAffinityTerm apart =
            Manifests.Pod.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution.Single();
        Assert.Equal("kubernetes.io/hostname", apart.TopologyKey);
        Assert.All(
            (V1LabelSelector[])
            [
                Set.Spec.Selector, budget.Spec.Selector, apart.LabelSelector,
                Manifests.Pod.TopologySpreadConstraints.Single().LabelSelector,
            ],
            selector => Assert.Equal(Set.Spec.Template.Metadata.Labels, selector.MatchLabels));
    }

    [Fact]
    public void Manifests_services_lead_to_the_replicas()
    {
        V1Service peers = Manifests.Service(Set.Spec.ServiceName);
        V1Service clients = Manifests.Service("kvcloud");

        Assert.Equal("None", peers.Spec.ClusterIP);
        Assert.True(peers.Spec.PublishNotReadyAddresses);
        Assert.NotEqual(true, clients.Spec.PublishNotReadyAddresses);
        Assert.Equal(["http", "peer", "thrift"], peers.Spec.Ports.Select(port => port.Name).Order());
        Assert.Equal(["thrift"], clients.Spec.Ports.Select(port => port.Name));
        foreach (V1Service service in (V1Service[])[peers, clients])
        {
            Assert.Equal(Set.Spec.Template.Metadata.Labels, service.Spec.Selector);
            Assert.All(service.Spec.Ports, port =>
                Assert.Equal(Manifests.ContainerPort(port.TargetPort.Value), port.Port));
        }
    }

    [Fact]
    public void Manifests_peer_port_is_open_to_replicas_alone()
    {
        V1NetworkPolicy policy = Manifests.Objects.OfType<V1NetworkPolicy>().Single();
        V1NetworkPolicyIngressRule peer = RuleOf(policy, "peer");

        Assert.Equal(Set.Spec.Template.Metadata.Labels, policy.Spec.PodSelector.MatchLabels);
        V1NetworkPolicyPeer from = peer.FromProperty.Single();
        Assert.Equal(Set.Spec.Template.Metadata.Labels, from.PodSelector.MatchLabels);
        Assert.Null(from.NamespaceSelector);
        Assert.Single(peer.Ports);

        // Clients of this namespace; a rule without a source would let everybody in.
        Assert.Null(RuleOf(policy, "thrift").FromProperty.Single().NamespaceSelector);
        Assert.Equal(Manifests.Container.Ports.Count, policy.Spec.Ingress.Count);
    }

    [Fact]
    public async Task Manifests_pod_runs_the_image_with_the_least_it_needs()
    {
        ImageSettings image = await ImageSettings.ReadAsync();
        V1PodSecurityContext pod = Manifests.Pod.SecurityContext;
        V1SecurityContext container = Manifests.Container.SecurityContext;

        Assert.Contains(Manifests.Container.Image, image.Tags.Select(tag => $"{image.Repository}:{tag}"));
        Assert.Equal(image.Ports.Order(), Manifests.Container.Ports.Select(port => port.ContainerPort).Order());
        Assert.True(pod.RunAsNonRoot);
        Assert.Equal((image.User, image.User, image.User), (pod.RunAsUser, pod.RunAsGroup, pod.FsGroup));
        Assert.Equal("RuntimeDefault", pod.SeccompProfile.Type);
        Assert.True(container.ReadOnlyRootFilesystem);
        Assert.False(container.AllowPrivilegeEscalation);
        Assert.Equal(["ALL"], container.Capabilities.Drop);
        Assert.Null(container.Capabilities.Add);
        Assert.False(Manifests.Pod.AutomountServiceAccountToken);
        Assert.Equal(["cpu", "memory"], Manifests.Container.Resources.Requests.Keys.Order());
        Assert.Contains("memory", Manifests.Container.Resources.Limits.Keys);
    }

    private static V1NetworkPolicyIngressRule RuleOf(V1NetworkPolicy policy, string port) =>
        policy.Spec.Ingress.Single(rule => rule.Ports.Any(open => open.Port.Value == port));

    private static JsonNode AsJson(V1StatefulSet set) => JsonNode.Parse(KubernetesJson.Serialize(set))!;

    private static (string Path, string Port) Target(V1Probe probe) => (probe.HttpGet.Path, probe.HttpGet.Port.Value);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}

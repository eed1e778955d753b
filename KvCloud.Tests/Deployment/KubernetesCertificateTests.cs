using System.Globalization;
using k8s;
using k8s.Models;
using KvCloud.Certificates;
using KvCloud.Node.Configuration;
using KvCloud.Tests.Node.Configuration;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Deployment;

/// <summary>Where the replicas of deploy/kubernetes have their certificates from, and what without them.</summary>
public sealed class KubernetesCertificateTests : IDisposable
{
    private static readonly V1StatefulSet First = Manifests.StatefulSet;
    private static readonly V1StatefulSet Joined = Manifests.Joined;

    private readonly DirectoryInfo _overlay = Directory.CreateTempSubdirectory("kvcloud-overlay-");

    public static TheoryData<bool, int> Pods => new()
    {
        { false, 0 }, { false, 1 }, { false, 2 }, { true, 3 }, { true, 6 },
    };

    public void Dispose() => _overlay.Delete(recursive: true);

    [Theory]
    [MemberData(nameof(Pods))]
    public void Manifests_of_a_pod_speak_tls_on_every_port_with_the_secret_of_its_number(bool isJoined, int ordinal)
    {
        V1StatefulSet set = isJoined ? Joined : First;
        using var fixture = new SettingsFixture();
        NodeOptions options = fixture.Load(
            environment: PodEnvironment.Of(set, ordinal), configVariable: Manifests.SettingsFile).Options;
        Dictionary<string, (string Secret, string Key)> files = FilesOf(set);

        Assert.Null(TlsRules.WhyNotOpen(options, NodeTopology.From(options)));
        Assert.False(options.Security.Insecure);
        string secret = $"kvcloud-node-{Text(ordinal)}";
        Assert.Equal((secret, "tls.crt"), files[options.Tls.Certificate!]);
        Assert.Equal((secret, "tls.key"), files[options.Tls.Key!]);
        Assert.Equal((secret, "ca.crt"), files[options.Tls.Ca!]);
    }

    [Fact]
    public void Manifests_keys_can_be_read_by_the_group_of_the_container_and_nobody_else()
    {
        foreach (V1StatefulSet set in (V1StatefulSet[])[First, Joined])
        {
            V1PodSpec pod = set.Spec.Template.Spec;
            Assert.Equal(Convert.ToInt32("440", 8), VolumeOf(set).Projected.DefaultMode);
            Assert.Equal(pod.SecurityContext.RunAsGroup, pod.SecurityContext.FsGroup);
            Assert.All(VolumeOf(set).Projected.Sources, source => Assert.Null(source.Secret.Items[0].Mode));
        }
    }

    /// <summary>A pod of the first set waits for its secrets; which numbers join nobody knows beforehand.</summary>
    [Fact]
    public void Manifests_secrets_are_demanded_of_the_first_set_alone()
    {
        Assert.Equal(First.Spec.Replicas, VolumeOf(First).Projected.Sources.Count);
        Assert.All(VolumeOf(First).Projected.Sources, source => Assert.Null(source.Secret.Optional));
        Assert.All(VolumeOf(Joined).Projected.Sources, source => Assert.True(source.Secret.Optional));
    }

    [Fact]
    public void Manifests_of_cert_manager_make_the_secrets_that_pods_mount()
    {
        CertManagerObject[] certificates =
            [.. CertManagerObject.ReadAll("nodes.yaml").Where(item => item.Kind == "Certificate")];

        Assert.Equal(First.Spec.Replicas, certificates.Length);
        for (int ordinal = 0; ordinal < certificates.Length; ordinal++)
        {
            CertManagerObject.Specification spec = certificates[ordinal].Spec;
            using var fixture = new SettingsFixture();
            NodeOptions options = fixture.Load(
                environment: PodEnvironment.Of(First, ordinal), configVariable: Manifests.SettingsFile).Options;
            Assert.Equal(FilesOf(First)[options.Tls.Certificate!].Secret, spec.SecretName);
            Assert.Equal([CertificateIdentity.ForNode(options.Cluster.Id, ordinal).ToString()], spec.Uris);
            Assert.Equal(["client auth", "digital signature", "server auth"], spec.Usages!.Order());
            Assert.Equal(("ECDSA", 256), (spec.PrivateKey!.Algorithm, spec.PrivateKey.Size));
            string host = NodeTopology.From(options).Self.ClientEndpoint.Split(':')[0]
                .Replace($".{PodEnvironment.Namespace}.", ".kvcloud.", StringComparison.Ordinal);
            Assert.Contains(host, spec.DnsNames!);
            Assert.Contains(Manifests.Service("kvcloud").Metadata.Name, spec.DnsNames!);
            Assert.All(spec.DnsNames!, name => Assert.Null(HostName.AddressOf(name)));
        }
    }

    [Fact]
    public void Manifests_of_cert_manager_lead_to_an_authority_of_the_cluster()
    {
        CertManagerObject[] all = [.. CertManagerObject.ReadAll("authority.yaml")];
        CertManagerObject authority = all.Single(item => item.Kind == "Certificate");

        Assert.True(authority.Spec.IsCA);
        CertManagerObject signer = all.Single(item => item.Spec.Ca is not null);
        Assert.Equal(authority.Spec.SecretName, signer.Spec.Ca!.SecretName);
        Assert.Equal(
            all.Single(item => item.Spec.SelfSigned is not null).Metadata.Name, authority.Spec.IssuerRef!.Name);
        Assert.All(
            CertManagerObject.ReadAll("nodes.yaml"),
            certificate => Assert.Equal(signer.Metadata.Name, certificate.Spec.IssuerRef!.Name));
    }

    [FactNeeds("kubectl")]
    public async Task Manifests_with_cert_manager_are_the_same_and_its_resources()
    {
        string plain = await Manifests.BuildAsync(_overlay.FullName, []);
        string managed = await Manifests.BuildAsync(_overlay.FullName, ["cert-manager"]);

        Assert.Equal(6, Documents(managed).Except(Documents(plain)).Count(item => item.Contains("cert-manager.io/v1")));
        Assert.Empty(Documents(plain).Except(Documents(managed)));
    }

    [FactNeeds("kubectl")]
    public async Task Manifests_without_tls_say_so_and_ask_for_no_secret()
    {
        string yaml = await Manifests.BuildAsync(_overlay.FullName, ["joined", "insecure"]);
        V1StatefulSet[] sets = [.. Manifests.Parse(yaml).OfType<V1StatefulSet>()];

        Assert.Equal(2, sets.Length);
        foreach (V1StatefulSet set in sets)
        {
            using var fixture = new SettingsFixture();
            SettingsResult settings = fixture.Load(
                environment: PodEnvironment.Of(set, set.Spec.Ordinals?.Start ?? 0),
                configVariable: Manifests.SettingsFile);
            V1Container container = set.Spec.Template.Spec.Containers.Single();
            Assert.Empty(settings.Mistakes);
            Assert.True(settings.Options.Security.Insecure);
            Assert.Null(settings.Options.Tls.Certificate);
            Assert.Equal("config", set.Spec.Template.Spec.Volumes.Single().Name);
            Assert.Equal(["data", "config"], container.VolumeMounts.Select(mount => mount.Name));
            Assert.All(
                (V1Probe[])[container.ReadinessProbe, container.LivenessProbe, container.StartupProbe],
                probe => Assert.Equal(("HTTP", "http"), (probe.HttpGet.Scheme, probe.HttpGet.Port.Value)));
            Assert.Equal("http", set.Spec.Template.Metadata.Annotations["prometheus.io/scheme"]);
        }
    }

    private static string[] Documents(string yaml) => yaml.Split("\n---\n", StringSplitOptions.TrimEntries);

    private static V1Volume VolumeOf(V1StatefulSet set) =>
        set.Spec.Template.Spec.Volumes.Single(volume => volume.Name == "certificates");

    /// <summary>What a container of the set finds at which path.</summary>
    private static Dictionary<string, (string Secret, string Key)> FilesOf(V1StatefulSet set)
    {
        V1VolumeMount mount = set.Spec.Template.Spec.Containers.Single().VolumeMounts
            .Single(mount => mount.Name == "certificates");
        Assert.True(mount.ReadOnlyProperty);
        Assert.Null(mount.SubPath ?? mount.SubPathExpr);
        return VolumeOf(set).Projected.Sources
            .SelectMany(source => source.Secret.Items, (source, item) =>
                (Path: $"{mount.MountPath}/{item.Path}", source.Secret.Name, item.Key))
            .ToDictionary(file => file.Path, file => (file.Name, file.Key));
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}

using System.Globalization;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using KvCloud.Node.Configuration;
using KvCloud.Tests.Node.Configuration;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Deployment;

/// <summary>deploy/kubernetes/joined: the replicas that join a group which began without them.</summary>
public sealed class JoinedReplicasTests : IDisposable
{
    private const string InstanceLabel = "app.kubernetes.io/instance";

    private static readonly V1StatefulSet First = Manifests.StatefulSet;
    private static readonly V1StatefulSet Joined = Manifests.Joined;

    private readonly DirectoryInfo _overlay = Directory.CreateTempSubdirectory("kvcloud-overlay-");

    public void Dispose() => _overlay.Delete(recursive: true);

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void Manifests_settings_of_a_joined_replica_are_valid_and_say_that_it_joins(int place)
    {
        int ordinal = Joined.Spec.Ordinals.Start!.Value + place;
        using var fixture = new SettingsFixture();
        SettingsResult settings = fixture.Load(
            environment: PodEnvironment.Of(Joined, ordinal), configVariable: Manifests.SettingsFile);

        Assert.Empty(settings.Mistakes);
        var topology = NodeTopology.From(settings.Options);
        Assert.True(topology.IsJoining);
        Assert.Equal(ordinal, topology.SelfId);
        Assert.Equal(
            Enumerable.Range(0, First.Spec.Replicas!.Value)
                .Select(i => Addresses(First, i))
                .Append(Addresses(Joined, ordinal)),
            topology.Replicas.Select(replica => (replica.NodeId, replica.ClientEndpoint, replica.PeerEndpoint)));
    }

    [Fact]
    public void Manifests_numbers_of_joined_replicas_begin_behind_those_of_the_group() =>
        Assert.Equal(First.Spec.Replicas, Joined.Spec.Ordinals.Start);

    [Fact]
    public void Manifests_joined_set_differs_from_the_first_one_in_nothing_else()
    {
        JsonNode first = AsJson(First);
        JsonNode joined = AsJson(Joined);
        foreach (JsonNode set in (JsonNode[])[first, joined])
        {
            set["metadata"]!["name"] = "";
            Remove(set["metadata"]!["labels"]!, InstanceLabel);
            Remove(set["spec"]!, "replicas");
            Remove(set["spec"]!, "ordinals");
            Remove(set["spec"]!["selector"]!["matchLabels"]!, InstanceLabel);
            Remove(set["spec"]!["template"]!["metadata"]!["labels"]!, InstanceLabel);
            Remove(CertificatesOf(set)["projected"]!, "sources");
            JsonArray variables = set["spec"]!["template"]!["spec"]!["containers"]![0]!["env"]!.AsArray();
            variables.RemoveAll(variable => IsOfJoining((string)variable!["name"]!));
        }

        Assert.True(JsonNode.DeepEquals(first, joined), $"{first}\n{joined}");
    }

    /// <summary>Else each of the two sets would count the other's pods as its own.</summary>
    [Fact]
    public void Manifests_joined_pods_have_the_services_and_rules_of_all_and_a_label_of_their_own()
    {
        IDictionary<string, string> labels = Joined.Spec.Template.Metadata.Labels;

        Assert.Equal(labels, Joined.Spec.Selector.MatchLabels);
        Assert.Equal(Joined.Metadata.Name, labels[InstanceLabel]);
        Assert.DoesNotContain(InstanceLabel, First.Spec.Template.Metadata.Labels.Keys);
        Assert.Superset(First.Spec.Template.Metadata.Labels.ToHashSet(), labels.ToHashSet());
    }

    [FactNeeds("kubectl")]
    public async Task Manifests_overlay_with_joined_replicas_gives_both_sets_the_same_settings()
    {
        string path = Path.GetRelativePath(_overlay.FullName, Manifests.Folder);
        await File.WriteAllTextAsync(
            Path.Combine(_overlay.FullName, "kustomization.yaml"),
            $"""
            apiVersion: kustomize.config.k8s.io/v1beta1
            kind: Kustomization
            resources:
              - {path}
            components:
              - {Path.Combine(path, Path.GetFileName(Manifests.JoinedFolder))}
            replicas:
              - name: {Joined.Metadata.Name}
                count: 2
            """);

        string yaml = await ToolRun.OutputAsync("kubectl", "kustomize", _overlay.FullName);

        IKubernetesObject<V1ObjectMeta>[] built = [.. Manifests.Parse(yaml)];
        string settings = built.OfType<V1ConfigMap>().Single().Metadata.Name;
        var sets = built.OfType<V1StatefulSet>().ToDictionary(set => set.Metadata.Name);
        Assert.Equal((3, 2), (sets[First.Metadata.Name].Spec.Replicas, sets[Joined.Metadata.Name].Spec.Replicas));
        Assert.All(sets.Values, set =>
            Assert.Equal(settings, Manifests.SettingsOf(set).Name));
    }

    private static JsonNode CertificatesOf(JsonNode set) =>
        set["spec"]!["template"]!["spec"]!["volumes"]!.AsArray()
            .Single(volume => (string)volume!["name"]! == "certificates")!;

    private static bool IsOfJoining(string variable) =>
        variable is "POD_NAME" or "KvCloud__Deployment__Join"
        || variable.StartsWith("KvCloud__Deployment__ReplicaEndpoints__", StringComparison.Ordinal);

    private static void Remove(JsonNode node, string name) => node.AsObject().Remove(name);

    private static JsonNode AsJson(V1StatefulSet set) => JsonNode.Parse(KubernetesJson.Serialize(set))!;

    private static (int Id, string Client, string Peer) Addresses(V1StatefulSet set, int ordinal)
    {
        string host =
            $"{set.Metadata.Name}-{Text(ordinal)}.{First.Spec.ServiceName}.{PodEnvironment.Namespace}.svc";
        return (
            ordinal,
            $"{host}:{Text(Manifests.ContainerPort("thrift"))}",
            $"{host}:{Text(Manifests.ContainerPort("peer"))}");
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}

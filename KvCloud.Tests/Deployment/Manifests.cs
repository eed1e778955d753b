using k8s;
using k8s.Models;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Deployment;

/// <summary>The manifests of deploy/kubernetes as types of Kubernetes; what those do not know is refused.</summary>
internal static class Manifests
{
    public const string Settings = "kvcloud.toml";
    private const string Kustomization = "kustomization.yaml";

    public static string Folder { get; } = Repository.File("deploy", "kubernetes");

    /// <summary>Of all files, without what kustomize generates.</summary>
    public static IReadOnlyList<IKubernetesObject<V1ObjectMeta>> Objects { get; } =
    [
        .. Directory.EnumerateFiles(Folder, "*.yaml")
            .Where(file => Path.GetFileName(file) != Kustomization)
            .Order(StringComparer.Ordinal)
            .SelectMany(file => Parse(File.ReadAllText(file))),
    ];

    /// <summary>The component with replicas that join a running group.</summary>
    public static string JoinedFolder { get; } = Path.Combine(Folder, "joined");

    public static V1StatefulSet Joined { get; } =
        Parse(File.ReadAllText(Path.Combine(JoinedFolder, "statefulset.yaml"))).OfType<V1StatefulSet>().Single();

    public static V1StatefulSet StatefulSet => Objects.OfType<V1StatefulSet>().Single();

    public static V1PodSpec Pod => StatefulSet.Spec.Template.Spec;

    public static V1Container Container => Pod.Containers.Single();

    public static string SettingsFile => Path.Combine(Folder, Settings);

    public static IEnumerable<IKubernetesObject<V1ObjectMeta>> Parse(string yaml) =>
        KubernetesYaml.LoadAllFromString(yaml, strict: true).Cast<IKubernetesObject<V1ObjectMeta>>();

    /// <summary>What an overlay of somebody makes of the manifests who names these components beside them.</summary>
    /// <param name="overlay">An empty folder.</param>
    public static async Task<string> BuildAsync(string overlay, string[] components)
    {
        string path = Path.GetRelativePath(overlay, Folder);
        await File.WriteAllLinesAsync(
            Path.Combine(overlay, Kustomization),
            [
                "apiVersion: kustomize.config.k8s.io/v1beta1",
                "kind: Kustomization",
                "resources:",
                $"  - {path}",
                .. components.Length == 0 ? [] : (string[])["components:"],
                .. components.Select(component => $"  - {path}/{component}"),
            ]);
        return await ToolRun.OutputAsync("kubectl", "kustomize", overlay);
    }

    public static V1Service Service(string name) =>
        Objects.OfType<V1Service>().Single(service => service.Metadata.Name == name);

    public static V1ConfigMapVolumeSource SettingsOf(V1StatefulSet set) =>
        set.Spec.Template.Spec.Volumes.Single(volume => volume.ConfigMap is not null).ConfigMap;

    public static int ContainerPort(string name) => Container.Ports.Single(port => port.Name == name).ContainerPort;
}

// Persistent volumes are on trial in this version of Aspire (ASPIRECOMPUTE002); the alternative, its default, is a
// directory that ends with the pod.
#pragma warning disable ASPIRECOMPUTE002

using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Kubernetes;
using Aspire.Hosting.Kubernetes.Resources;

namespace KvCloud.AppHost.Aspire;

/// <summary>Publishes a Helm chart: each replica a stateful set of one, with a volume claim of its own.</summary>
internal sealed class KubernetesTarget
{
    private const string VolumeSize = "10Gi";

    private readonly IResourceBuilder<KubernetesEnvironmentResource> _environment;

    private KubernetesTarget(IResourceBuilder<KubernetesEnvironmentResource> environment) => _environment = environment;

    public static KubernetesTarget Declare(IDistributedApplicationBuilder builder) =>
        new(builder.AddKubernetesEnvironment("k8s"));

    public void Fit(IResourceBuilder<ProjectResource> node, Replica replica)
    {
        IResourceBuilder<KubernetesPersistentVolumeResource> volume = _environment
            .AddPersistentVolume($"{replica.Name}-data")
            .WithCapacity(VolumeSize);
        node.WithPersistentVolume(volume, PublishedCluster.DataDirectory)
            .PublishAsKubernetesService(AddProbes);
    }

    private static void AddProbes(KubernetesResource resource)
    {
        // A replica becomes ready when it knows a leader, and for that its peers must reach it before it is ready.
        if (resource.Service is { } service)
        {
            service.Spec.PublishNotReadyAddresses = true;
        }

        if (resource.Workload?.PodTemplate.Spec.Containers is [{ } container, ..])
        {
            container.ReadinessProbe = Probe("/health", failureThreshold: 2);
            // The log is replayed before the first answer, and a busy disk is no reason to start all over.
            container.LivenessProbe = Probe("/alive", failureThreshold: 12);
        }
    }

    private static ProbeV1 Probe(string path, int failureThreshold) => new()
    {
        HttpGet = new HttpGetActionV1 { Path = path, Port = PublishedCluster.HttpPort, Scheme = "HTTP" },
        PeriodSeconds = 5,
        TimeoutSeconds = 3,
        FailureThreshold = failureThreshold,
    };
}

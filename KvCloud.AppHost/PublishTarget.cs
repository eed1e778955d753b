namespace KvCloud.AppHost;

/// <summary>What <c>aspire publish</c> writes files for.</summary>
internal enum PublishTarget
{
    DockerCompose,
    Kubernetes,
}

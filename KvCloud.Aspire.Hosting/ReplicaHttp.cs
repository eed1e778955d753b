using System.Security.Cryptography.X509Certificates;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.KvCloud;

/// <summary>Asks the HTTP ports of a cluster's replicas, by TLS where they speak it.</summary>
internal sealed class ReplicaHttp(KvCloudResource cluster)
{
    /// <summary>Made at the first question: the certificates are made when the application starts.</summary>
    private readonly Lazy<HttpClient> _client = new(() => Create(cluster));

    /// <param name="replica">Its port is known.</param>
    /// <param name="path">Such as /status.</param>
    /// <param name="timeout">How long the answer may take to begin.</param>
    /// <param name="cancellationToken">Gives up sooner.</param>
    public async Task<HttpResponseMessage> GetAsync(
        KvCloudReplica replica, string path, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeout);
        return await _client.Value.GetAsync(new Uri($"{replica.HttpEndpoint.Url}{path}"), limit.Token)
            .ConfigureAwait(false);
    }

    private static HttpClient Create(KvCloudResource cluster)
    {
        // The replicas are on this machine; a proxy from the environment must not be used.
        var handler = new SocketsHttpHandler { UseProxy = false };
        if (cluster.Certificates is { } certificates)
        {
            var policy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
            };
            policy.CustomTrustStore.ImportFromPemFile(certificates.Authority);
            handler.SslOptions.CertificateChainPolicy = policy;
        }

        return new HttpClient(handler);
    }
}

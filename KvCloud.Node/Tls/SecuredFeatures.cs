using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Http.Features;

namespace KvCloud.Node.Tls;

/// <summary>What is known of a client's connection once its handshake is done.</summary>
internal sealed class SecuredFeatures(SslStream stream) : ISecuredStreamFeature, ITlsConnectionFeature
{
    public SslStream Stream => stream;

    /// <summary>The client's, of a CA that is trusted here; null if it has shown none.</summary>
    public X509Certificate2? ClientCertificate { get; set; } = stream.RemoteCertificate as X509Certificate2;

    public Task<X509Certificate2?> GetClientCertificateAsync(CancellationToken cancellationToken) =>
        Task.FromResult(ClientCertificate);
}

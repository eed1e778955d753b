using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace KvCloud.Node.Tls;

/// <summary>Mutual TLS between replicas: both sides show a certificate of the CA that names them.</summary>
internal sealed class PeerTls(CertificateStore store, TlsMetrics metrics)
{
    public TlsMode Mode => store.Options.Peers;

    /// <summary>
    /// Takes a call, blocking; the caller bounds the time by what the stream's reads take. Returns the names in the
    /// caller's certificate, which is to name the node that the Hello claims.
    /// </summary>
    /// <exception cref="TlsRefusedException">The caller has no certificate of the CA.</exception>
    /// <exception cref="AuthenticationException">Nothing in common, or it refuses this node's certificate.</exception>
    /// <exception cref="IOException">The connection ended.</exception>
    public IReadOnlyList<string> Accept(SslStream stream)
    {
        string? objection = null;
        CertificateSet set = store.Current;
        var options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = set.Context,
            ClientCertificateRequired = true,
            EnabledSslProtocols = store.Options.Protocols,
            CertificateChainPolicy = CertificateChecks.PolicyOf(set.Roots!, store.Now),
            RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
            {
                objection = CertificateChecks.WhyNotTrusted(certificate as X509Certificate2, chain, errors);
                return objection is null;
            },
            AllowRenegotiation = false,
            AllowTlsResume = false,
        };
        try
        {
            stream.AuthenticateAsServer(options);
        }
        catch (AuthenticationException error)
        {
            throw Failure(TlsMetrics.PeersPort, objection, error);
        }
        catch
        {
            metrics.Failed(TlsMetrics.PeersPort);
            throw;
        }

        metrics.Done(TlsMetrics.PeersPort, stream.SslProtocol);
        return NamesOf(stream);
    }

    /// <summary>Calls a node, whose certificate has to name it before this node says a word.</summary>
    /// <exception cref="TlsRefusedException">The answerer is not that node, as far as its certificate says.</exception>
    /// <exception cref="AuthenticationException">Nothing in common, or it refuses this node's certificate.</exception>
    /// <exception cref="IOException">The connection ended.</exception>
    public async Task CallAsync(SslStream stream, int nodeId, CancellationToken cancellationToken)
    {
        string? objection = null;
        CertificateSet set = store.Current;
        NodeName called = store.Options.Node with { NodeId = nodeId };
        var options = new SslClientAuthenticationOptions
        {
            // Whom it names is our own question; what address it has today is not.
            TargetHost = "",
            ClientCertificateContext = set.Context,
            EnabledSslProtocols = store.Options.Protocols,
            CertificateChainPolicy = CertificateChecks.PolicyOf(set.Roots!, store.Now),
            RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
            {
                var shown = certificate as X509Certificate2;
                objection = CertificateChecks.WhyNotTrusted(shown, chain, errors)
                    ?? WhyNot(CertificateNames.Of(shown!), called, "answers at the endpoint of");
                return objection is null;
            },
            AllowRenegotiation = false,
            AllowTlsResume = false,
        };
        try
        {
            await stream.AuthenticateAsClientAsync(options, cancellationToken).ConfigureAwait(false);
        }
        catch (AuthenticationException error)
        {
            throw Failure(TlsMetrics.ToPeers, objection, error);
        }
        catch
        {
            metrics.Failed(TlsMetrics.ToPeers);
            throw;
        }

        metrics.Done(TlsMetrics.ToPeers, stream.SslProtocol);
    }

    /// <summary>Why the caller, whose certificate has these names, is not the node that it claims to be.</summary>
    public string? WhyNotCaller(IReadOnlyList<string> names, string clusterId, int nodeId)
    {
        string? objection = WhyNot(names, new NodeName(clusterId, nodeId), "comes in the name of");
        if (objection is not null)
        {
            metrics.Refused(TlsMetrics.PeersPort);
        }

        return objection;
    }

    /// <summary>A caller speaks clear text where TLS is required.</summary>
    public string ClearTextRefused(int nodeId)
    {
        metrics.Refused(TlsMetrics.PeersPort);
        return $"node {nodeId} speaks clear text, and node {store.Options.Node.NodeId} demands TLS (tls.peers)";
    }

    private static string? WhyNot(IReadOnlyList<string> names, NodeName wanted, string how) =>
        names.Contains(wanted.Uri) ? null
        : $"a certificate of {(names.Count > 0 ? string.Join(", ", names) : "nobody of KvCloud")} {how} {wanted.Uri}";

    private static IReadOnlyList<string> NamesOf(SslStream stream) =>
        stream.RemoteCertificate is X509Certificate2 certificate ? CertificateNames.Of(certificate) : [];

    private Exception Failure(string port, string? objection, AuthenticationException error)
    {
        if (objection is null)
        {
            metrics.Failed(port);
            return error;
        }

        metrics.Refused(port);
        return new TlsRefusedException(TlsRefusal.Certificate, objection, error);
    }
}

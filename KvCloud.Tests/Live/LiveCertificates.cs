using KvCloud.Client;
using KvCloud.LocalCluster;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Live;

/// <summary>The certificates of a cluster of processes, and the settings by which its replicas speak TLS.</summary>
internal sealed class LiveCertificates : IDisposable
{
    private readonly PemPair[] _nodes;

    public LiveCertificates(int nodes = 3, TestCa? ca = null)
    {
        Ca = ca ?? new TestCa();
        Bundle = Ca.Write("bundle.pem", Ca.Pem);
        _nodes = [.. Enumerable.Range(0, nodes).Select(node => Ca.Node(node))];
        User = Ca.Client("ann");
    }

    public TestCa Ca { get; }

    /// <summary>The file that all replicas and clients trust; a test may write others into it.</summary>
    public string Bundle { get; }

    public PemPair User { get; }

    /// <summary>What probes and processes of the cluster need.</summary>
    public LocalTls Tls => new(Bundle, node => (_nodes[node].Certificate, _nodes[node].Key));

    public PemPair Node(int index) => _nodes[index];

    public void Secure(KvCloudClientSettings settings)
    {
        settings.TlsCa = Bundle;
        settings.TlsCertificate = User.Certificate;
        settings.TlsKey = User.Key;
    }

    public void Dispose() => Ca.Dispose();
}

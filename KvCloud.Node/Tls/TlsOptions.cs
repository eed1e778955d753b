using System.Security.Authentication;

namespace KvCloud.Node.Tls;

/// <summary>How this node speaks TLS. Immutable.</summary>
/// <param name="Node">Whom the node's certificate has to name.</param>
internal sealed record TlsOptions(NodeName Node, TlsFiles Files)
{
    public TlsMode Clients { get; init; } = TlsMode.Required;

    public TlsMode Peers { get; init; } = TlsMode.Required;

    /// <summary>Whether HTTP is served by TLS only.</summary>
    public bool Http { get; init; } = true;

    /// <summary>Whether this node has peers, so that its certificate must name it and serve for calls too.</summary>
    public bool HasPeers { get; init; } = true;

    /// <summary>
    /// The ids that this node may go on under when its disk is lost, which its certificate must name too.
    /// </summary>
    public IReadOnlyList<int> ReplacementIds { get; init; } = [];

    /// <summary>The versions that are spoken.</summary>
    public SslProtocols Protocols { get; init; } = SslProtocols.Tls13;

    /// <summary>How often the files are read again.</summary>
    public TimeSpan ReloadInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A client's handshake that takes longer is given up.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Handshakes of clients at the same time; beyond that the oldest is given up.</summary>
    public int MaxHandshakes { get; init; } = 512;
}

using System.Net.Security;

namespace KvCloud.Node.Tls;

/// <summary>A feature of a client's connection that speaks TLS: where answers are written.</summary>
internal interface ISecuredStreamFeature
{
    SslStream Stream { get; }
}

namespace KvCloud.Node.Tls;

/// <summary>One side of a connection is not who it has to be. The message is the reason, for the log.</summary>
internal sealed class TlsRefusedException(TlsRefusal kind, string reason, Exception? inner = null)
    : Exception(reason, inner)
{
    public TlsRefusal Kind { get; } = kind;
}

namespace KvCloud.Node.Tls;

/// <summary>Whether a port speaks TLS.</summary>
internal enum TlsMode
{
    /// <summary>Clear text only.</summary>
    Off = 0,

    /// <summary>Both, told apart by the first byte: for the time in which a running group changes.</summary>
    Optional = 1,

    /// <summary>TLS only.</summary>
    Required = 2,
}

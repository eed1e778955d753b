namespace KvCloud.Node.Tls;

/// <summary>Why a connection did not get through its handshake. Each kind has a log limit of its own.</summary>
internal enum TlsRefusal
{
    /// <summary>It speaks clear text where TLS is required.</summary>
    ClearText = 0,

    /// <summary>Its certificate is not trusted, or names somebody else.</summary>
    Certificate = 1,

    /// <summary>The handshake failed or took too long.</summary>
    Handshake = 2,
}

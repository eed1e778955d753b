using System.Net;

namespace KvCloud.Node.Access;

/// <summary>One client's connection, as far as rights are concerned: from where, and who has logged in on it.</summary>
internal sealed class Caller(EndPoint? remote)
{
    private volatile Principal _principal = Principal.Anonymous;

    /// <summary>Changed by a login, which holds for every call that arrives after its answer.</summary>
    public Principal Principal
    {
        get => _principal;
        set => _principal = value;
    }

    /// <summary>From where, for the audit trail.</summary>
    public string Remote => remote?.ToString() ?? "";

    /// <summary>Without the port: who tries passwords does so by many connections.</summary>
    public string Address => remote is IPEndPoint ip ? ip.Address.ToString() : Remote;
}

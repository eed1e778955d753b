namespace KvCloud.Node.Access;

/// <summary>How somebody proved who they are.</summary>
internal enum LoginMethod
{
    /// <summary>Not at all.</summary>
    None = 0,

    Password = 1,

    /// <summary>A token of a user.</summary>
    Token = 2,

    /// <summary>The certificate of the connection.</summary>
    Certificate = 3,

    /// <summary>A signed token of an identity provider.</summary>
    Jwt = 4,
}

using System.Buffers.Text;
using System.Security.Cryptography;
using KvCloud.Protocol;

namespace KvCloud.Client;

/// <summary>A change of users or roles.</summary>
public sealed record KvAccessChange
{
    private const int TokenBytes = 32;

    /// <summary>What is to happen.</summary>
    public required AccessChangeKind Kind { get; init; }

    /// <summary>The user or the role that changes.</summary>
    public required string Name { get; init; }

    /// <summary>Of a user who is added, or whose password changes.</summary>
    public string? Password { get; init; }

    /// <summary>Of a token that is added; see <see cref="NewToken"/>. The cluster keeps only its hash.</summary>
    public string? Token { get; init; }

    /// <summary>Under which the token is listed and removed.</summary>
    public string? TokenName { get; init; }

    /// <summary>When a token that is added ends; null for never.</summary>
    public DateTimeOffset? TokenExpires { get; init; }

    /// <summary>The role that the user gets or loses.</summary>
    public string? Role { get; init; }

    /// <summary>The rights that the user or the role gets or loses.</summary>
    public KvGrant? Grant { get; init; }

    /// <summary>Draws a token: 256 bits, as text.</summary>
    public static string NewToken() =>
        "kvc_" + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TokenBytes));

    /// <summary>Without what is secret.</summary>
    public override string ToString() => $"{Kind} {Name}";
}

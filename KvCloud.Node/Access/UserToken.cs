namespace KvCloud.Node.Access;

/// <summary>A token of a user.</summary>
/// <param name="Name">By which people know it; the token itself is not kept.</param>
/// <param name="ExpiresUnixMs">0 for never. Looked at where somebody logs in, by the clock of that node.</param>
internal sealed record UserToken(string Name, TokenHash Hash, long ExpiresUnixMs);

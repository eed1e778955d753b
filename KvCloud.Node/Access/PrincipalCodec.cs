using System.Text;
using KvCloud.Node.Operations;

namespace KvCloud.Node.Access;

/// <summary>
/// The principal that asked for a command, as the command carries it: <c>kind(1) name [count roles]</c>. Apply checks
/// the command against the rights that this principal has at its place in the log.
/// </summary>
internal static class PrincipalCodec
{
    private const byte User = 1;
    private const byte Roles = 2;

    public static byte[] Encode(string user)
    {
        byte[] bytes = new byte[1 + TextSize(user)];
        var writer = new ByteWriter(bytes);
        writer.WriteByte(User);
        writer.WriteText(user);
        return bytes;
    }

    public static byte[] Encode(string subject, IReadOnlyList<string> roles)
    {
        byte[] bytes = new byte[
            1 + TextSize(subject) + ByteWriter.NumberSize(roles.Count) + roles.Sum(TextSize)];
        var writer = new ByteWriter(bytes);
        writer.WriteByte(Roles);
        writer.WriteText(subject);
        writer.WriteNumber(roles.Count);
        foreach (string role in roles)
        {
            writer.WriteText(role);
        }

        return bytes;
    }

    /// <summary>
    /// The rights that the principal has by the catalog: none if it is not known, or not well-formed.
    /// </summary>
    public static CompiledRights RightsIn(AccessCatalog catalog, ReadOnlyMemory<byte> principal)
    {
        var reader = new ByteReader(principal);
        if (!reader.TryReadByte(out byte kind) || !reader.TryReadBytes(out ReadOnlyMemory<byte> name))
        {
            return CompiledRights.None;
        }

        return kind switch
        {
            User => catalog.FindUser(Encoding.UTF8.GetString(name.Span)) is { } user
                ? catalog.RightsOf(user)
                : CompiledRights.None,
            Roles => ReadRoles(ref reader) is { } roles ? catalog.RightsOf(roles) : CompiledRights.None,
            _ => CompiledRights.None,
        };
    }

    /// <summary>Whether it is a user of the cluster, rather than the subject of an identity provider.</summary>
    public static bool IsUser(ReadOnlyMemory<byte> principal, out string name)
    {
        var reader = new ByteReader(principal);
        name = "";
        return reader.TryReadByte(out byte kind) && kind == User && AccessFields.TryReadText(ref reader, out name);
    }

    private static List<string>? ReadRoles(ref ByteReader reader)
    {
        if (!reader.TryReadNumber(out long count) || count > AccessLimits.RolesPerUser)
        {
            return null;
        }

        var roles = new List<string>();
        for (; count > 0; count--)
        {
            if (!reader.TryReadBytes(out ReadOnlyMemory<byte> role))
            {
                return null;
            }

            roles.Add(Encoding.UTF8.GetString(role.Span));
        }

        return roles;
    }

    private static int TextSize(string text) => ByteWriter.BytesSize(Encoding.UTF8.GetByteCount(text));
}

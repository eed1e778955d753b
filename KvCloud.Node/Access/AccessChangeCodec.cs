using KvCloud.Node.Operations;

namespace KvCloud.Node.Access;

/// <summary>
/// The body of the command that changes users or roles: <c>action(1) name parts(1)</c>, then each part that is there.
/// Never throws on bad input.
/// </summary>
internal static class AccessChangeCodec
{
    private const byte HasPassword = 1;
    private const byte HasToken = 2;
    private const byte HasOther = 4;
    private const byte HasGrant = 8;
    private const byte AllParts = HasPassword | HasToken | HasOther | HasGrant;

    public static byte[] Encode(AccessChange change)
    {
        byte[] bytes = new byte[2 + AccessFields.TextSize(change.Name)
            + (change.Password is { } password ? AccessFields.SizeOf(password) : 0)
            + (change.Token is { } token ? AccessFields.SizeOf(token) : 0)
            + (change.Other is { } other ? AccessFields.TextSize(other) : 0)
            + (change.Grant is { } grant ? AccessFields.SizeOf(grant) : 0)];
        var writer = new ByteWriter(bytes);
        writer.WriteByte((byte)change.Action);
        writer.WriteText(change.Name);
        writer.WriteByte(PartsOf(change));
        if (change.Password is not null)
        {
            AccessFields.Write(ref writer, change.Password);
        }

        if (change.Token is not null)
        {
            AccessFields.Write(ref writer, change.Token);
        }

        if (change.Other is not null)
        {
            writer.WriteText(change.Other);
        }

        if (change.Grant is not null)
        {
            AccessFields.Write(ref writer, change.Grant);
        }

        return bytes;
    }

    /// <summary>Null for what is no change.</summary>
    public static AccessChange? Decode(ReadOnlyMemory<byte> bytes)
    {
        var reader = new ByteReader(bytes);
        if (!reader.TryReadByte(out byte action)
            || !Enum.IsDefined((AccessAction)action)
            || !AccessFields.TryReadText(ref reader, out string name)
            || !reader.TryReadByte(out byte parts)
            || parts > AllParts)
        {
            return null;
        }

        var change = new AccessChange((AccessAction)action, name);
        return ReadParts(ref reader, parts, ref change) && reader.IsAtEnd ? change : null;
    }

    private static byte PartsOf(AccessChange change) => (byte)(
        (change.Password is null ? 0 : HasPassword)
        | (change.Token is null ? 0 : HasToken)
        | (change.Other is null ? 0 : HasOther)
        | (change.Grant is null ? 0 : HasGrant));

    private static bool ReadParts(ref ByteReader reader, byte parts, ref AccessChange change)
    {
        PasswordHash? password = null;
        UserToken? token = null;
        string? other = null;
        Grant? grant = null;
        if (((parts & HasPassword) != 0 && !AccessFields.TryRead(ref reader, out password))
            || ((parts & HasToken) != 0 && !AccessFields.TryRead(ref reader, out token))
            || ((parts & HasOther) != 0 && !AccessFields.TryReadText(ref reader, out other!))
            || ((parts & HasGrant) != 0 && !AccessFields.TryRead(ref reader, out grant)))
        {
            return false;
        }

        change = change with { Password = password, Token = token, Other = other, Grant = grant };
        return true;
    }
}

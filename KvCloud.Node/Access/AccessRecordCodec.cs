using System.Buffers.Binary;
using System.IO.Hashing;
using KvCloud.Node.Operations;

namespace KvCloud.Node.Access;

/// <summary>
/// A user or a role as it is stored: <c>format(1) fields checksum(8)</c>. The name is the record's key, not part of it.
/// </summary>
internal static class AccessRecordCodec
{
    private const byte FormatVersion = 1;

    public static byte[] Encode(UserRecord user)
    {
        int size = 1 + (user.Password is { } known ? AccessFields.SizeOf(known) : 0)
            + SizeOf(user.Tokens, AccessFields.SizeOf)
            + SizeOf(user.Roles, AccessFields.TextSize)
            + SizeOf(user.Grants, AccessFields.SizeOf);
        byte[] record = NewRecord(size, out ByteWriter writer);
        writer.WriteByte(user.Password is null ? (byte)0 : (byte)1);
        if (user.Password is not null)
        {
            AccessFields.Write(ref writer, user.Password);
        }

        writer.WriteNumber(user.Tokens.Count);
        foreach (UserToken token in user.Tokens)
        {
            AccessFields.Write(ref writer, token);
        }

        writer.WriteNumber(user.Roles.Count);
        foreach (string role in user.Roles)
        {
            writer.WriteText(role);
        }

        WriteGrants(ref writer, user.Grants);
        return Sealed(record);
    }

    public static byte[] Encode(RoleRecord role)
    {
        byte[] record = NewRecord(SizeOf(role.Grants, AccessFields.SizeOf), out ByteWriter writer);
        WriteGrants(ref writer, role.Grants);
        return Sealed(record);
    }

    /// <summary>Null for a damaged record.</summary>
    /// <exception cref="UnknownFormatException">A newer program wrote it.</exception>
    public static UserRecord? DecodeUser(string name, ReadOnlyMemory<byte> record)
    {
        if (!TryOpen("user record", record, out ByteReader reader)
            || !reader.TryReadByte(out byte hasPassword)
            || hasPassword > 1)
        {
            return null;
        }

        PasswordHash? password = null;
        if (hasPassword == 1 && !AccessFields.TryRead(ref reader, out password))
        {
            return null;
        }

        var tokens = new List<UserToken>();
        var roles = new List<string>();
        if (!reader.TryReadNumber(out long count))
        {
            return null;
        }

        for (; count > 0 && AccessFields.TryRead(ref reader, out UserToken? token); count--)
        {
            tokens.Add(token);
        }

        if (count != 0 || !reader.TryReadNumber(out count))
        {
            return null;
        }

        for (; count > 0 && AccessFields.TryReadText(ref reader, out string role); count--)
        {
            roles.Add(role);
        }

        return count == 0 && ReadGrants(ref reader) is { } grants && reader.IsAtEnd
            ? new UserRecord(name, password, tokens, roles, grants)
            : null;
    }

    /// <inheritdoc cref="DecodeUser"/>
    public static RoleRecord? DecodeRole(string name, ReadOnlyMemory<byte> record) =>
        TryOpen("role record", record, out ByteReader reader)
            && ReadGrants(ref reader) is { } grants
            && reader.IsAtEnd
            ? new RoleRecord(name, grants)
            : null;

    private static int SizeOf<T>(IReadOnlyList<T> items, Func<T, int> sizeOf) =>
        ByteWriter.NumberSize(items.Count) + items.Sum(sizeOf);

    private static byte[] NewRecord(int fieldsBytes, out ByteWriter writer)
    {
        byte[] record = new byte[1 + fieldsBytes + sizeof(ulong)];
        writer = new ByteWriter(record);
        writer.WriteByte(FormatVersion);
        return record;
    }

    private static byte[] Sealed(byte[] record)
    {
        int body = record.Length - sizeof(ulong);
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(body), XxHash3.HashToUInt64(record.AsSpan(0, body)));
        return record;
    }

    private static bool TryOpen(string what, ReadOnlyMemory<byte> record, out ByteReader reader)
    {
        int body = record.Length - sizeof(ulong);
        bool isWhole = body > 0
            && BinaryPrimitives.ReadUInt64LittleEndian(record.Span[body..])
                == XxHash3.HashToUInt64(record.Span[..body]);
        reader = new ByteReader(isWhole ? record[1..body] : default);
        if (isWhole)
        {
            UnknownFormatException.ThrowIfNewer(what, record.Span, FormatVersion);
        }

        return isWhole && record.Span[0] == FormatVersion;
    }

    private static void WriteGrants(ref ByteWriter writer, IReadOnlyList<Grant> grants)
    {
        writer.WriteNumber(grants.Count);
        foreach (Grant grant in grants)
        {
            AccessFields.Write(ref writer, grant);
        }
    }

    private static List<Grant>? ReadGrants(ref ByteReader reader)
    {
        if (!reader.TryReadNumber(out long count))
        {
            return null;
        }

        var grants = new List<Grant>();
        for (; count > 0 && AccessFields.TryRead(ref reader, out Grant? grant); count--)
        {
            grants.Add(grant);
        }

        return count == 0 ? grants : null;
    }
}

using System.Diagnostics.CodeAnalysis;
using System.Text;
using KvCloud.Node.Operations;

namespace KvCloud.Node.Access;

/// <summary>The parts that the records of users and roles and the changes of them share, as bytes.</summary>
internal static class AccessFields
{
    public static int TextSize(string text) => ByteWriter.BytesSize(Encoding.UTF8.GetByteCount(text));

    public static int SizeOf(PasswordHash password) => 1 + ByteWriter.NumberSize(password.Iterations)
        + ByteWriter.BytesSize(password.Salt.Length) + ByteWriter.BytesSize(password.Hash.Length);

    public static int SizeOf(UserToken token) => TextSize(token.Name)
        + ByteWriter.BytesSize(TokenHash.SizeBytes) + ByteWriter.NumberSize(token.ExpiresUnixMs);

    public static int SizeOf(Grant grant) => 1 + TextSize(grant.ColumnFamily)
        + ByteWriter.BytesSize(grant.Prefix.Length);

    public static void Write(ref ByteWriter writer, PasswordHash password)
    {
        writer.WriteByte(password.Algorithm);
        writer.WriteNumber(password.Iterations);
        writer.WriteBytes(password.Salt.Span);
        writer.WriteBytes(password.Hash.Span);
    }

    public static void Write(ref ByteWriter writer, UserToken token)
    {
        Span<byte> hash = stackalloc byte[TokenHash.SizeBytes];
        token.Hash.Write(hash);
        writer.WriteText(token.Name);
        writer.WriteBytes(hash);
        writer.WriteNumber(token.ExpiresUnixMs);
    }

    public static void Write(ref ByteWriter writer, Grant grant)
    {
        writer.WriteByte((byte)grant.Rights);
        writer.WriteText(grant.ColumnFamily);
        writer.WriteBytes(grant.Prefix.Span);
    }

    public static bool TryReadText(ref ByteReader reader, out string text)
    {
        bool isThere = reader.TryReadBytes(out ReadOnlyMemory<byte> bytes);
        text = isThere ? Encoding.UTF8.GetString(bytes.Span) : "";
        return isThere;
    }

    public static bool TryRead(ref ByteReader reader, [NotNullWhen(true)] out PasswordHash? password)
    {
        password = null;
        if (reader.TryReadByte(out byte algorithm)
            && reader.TryReadNumber(out long iterations)
            && iterations is > 0 and <= PasswordHash.MaxIterations
            && reader.TryReadBytes(out ReadOnlyMemory<byte> salt)
            && reader.TryReadBytes(out ReadOnlyMemory<byte> hash))
        {
            // Copies: what is read lies in a log entry, of which nothing else is to be kept.
            password = new PasswordHash(algorithm, (int)iterations, salt.ToArray(), hash.ToArray());
        }

        return password is not null;
    }

    public static bool TryRead(ref ByteReader reader, [NotNullWhen(true)] out UserToken? token)
    {
        token = null;
        if (TryReadText(ref reader, out string name)
            && reader.TryReadBytes(out ReadOnlyMemory<byte> hash)
            && hash.Length == TokenHash.SizeBytes
            && reader.TryReadNumber(out long expiresUnixMs))
        {
            token = new UserToken(name, TokenHash.Read(hash.Span), expiresUnixMs);
        }

        return token is not null;
    }

    public static bool TryRead(ref ByteReader reader, [NotNullWhen(true)] out Grant? grant)
    {
        grant = null;
        if (reader.TryReadByte(out byte rights)
            && rights is > 0 and <= (byte)(KvRights.Read | KvRights.Write | KvRights.Admin)
            && TryReadText(ref reader, out string columnFamily)
            && reader.TryReadBytes(out ReadOnlyMemory<byte> prefix))
        {
            grant = new Grant((KvRights)rights, columnFamily, prefix.ToArray());
        }

        return grant is not null;
    }
}

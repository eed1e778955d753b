using KvCloud.Client.Wire;
using KvCloud.Protocol.Wire;

namespace KvCloud.Client.Calls;

internal readonly struct AuthenticateCall(string? user, string? password, string? token) : IRequest
{
    public static KvMethod Method => KvMethod.Authenticate;

    public void Write(FrameWriter writer, in AttemptFields attempt)
    {
        writer.OptionalText(1, user);
        writer.OptionalText(2, password);
        writer.OptionalText(3, token);
    }
}

internal readonly struct ChangeAccessCall(KvAccessChange change, string? authToken) : IRequest
{
    public static KvMethod Method => KvMethod.ChangeAccess;

    public void Write(FrameWriter writer, in AttemptFields attempt)
    {
        writer.I32(1, (int)change.Kind);
        writer.Text(2, change.Name);
        writer.OptionalText(3, change.Password);
        writer.OptionalText(4, change.Token);
        writer.OptionalText(5, change.TokenName);
        if (change.TokenExpires is { } expires)
        {
            writer.I64(6, expires.ToUnixTimeMilliseconds());
        }

        writer.OptionalText(7, change.Role);
        if (change.Grant is { } grant)
        {
            writer.BeginStruct(8);
            writer.I32(1, (int)grant.Rights);
            writer.Text(2, grant.ColumnFamily);
            writer.Binary(3, grant.KeyPrefix.Span);
            writer.EndStruct();
        }

        writer.OptionalText(9, authToken);
        writer.I32(100, attempt.TimeoutMs);
    }
}

internal readonly struct ListAccessCall(string? authToken) : IRequest
{
    public static KvMethod Method => KvMethod.ListAccess;

    public void Write(FrameWriter writer, in AttemptFields attempt) => writer.OptionalText(1, authToken);
}

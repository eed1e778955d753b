using KvCloud.Node.Access;
using KvCloud.Node.Operations;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Node.State;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>
/// Holds each call to the rights of its caller, by what is applied here at that moment: a revocation holds for the next
/// call on an open connection, since two references no longer equal. Writes are held to them again where they are
/// applied.
/// </summary>
internal sealed class CallAccess(
    RpcOptions options, KvReader reader, Authenticator authenticator, AuditLog audit, TimeProvider time)
{
    /// <summary>Whether rights are asked for at all.</summary>
    public bool IsRequired { get; } = options.Access.IsRequired;

    public Authenticator Authenticator => authenticator;

    public AuditLog Audit => audit;

    /// <summary>
    /// What can be said before the request is read; null if nothing stands against the call, or only the method itself
    /// can tell (<see cref="RpcMethod.TakesToken"/>).
    /// </summary>
    public Refusal? Check(RpcMethod method, in RequestMessage message)
    {
        if (!IsRequired || method.TakesToken || method.Operation.Needs == AccessNeed.Nothing)
        {
            return null;
        }

        return Check(method.Operation, message.Caller, message.Caller?.Principal ?? Principal.Anonymous);
    }

    /// <summary>
    /// As <see cref="Check(RpcMethod, in RequestMessage)"/>, with the token that the request carries.
    /// </summary>
    /// <param name="principal">Becomes that of the token, if the request carries one.</param>
    public Refusal? Check(KvOperation operation, Caller? caller, string? token, ref Principal principal)
    {
        if (!string.IsNullOrEmpty(token))
        {
            LoginOutcome outcome = authenticator.ByTokenAtOnce(token);
            if (outcome.Principal is not { } known)
            {
                audit.Refused(principal, caller?.Remote ?? "", operation.Method, outcome.Error ?? "");
                return new Refusal(ErrorCode.UNAUTHENTICATED, outcome.Error ?? "auth_token is wrong");
            }

            principal = known;
        }

        return Check(operation, caller, principal);
    }

    public Refusal? CheckRead(Caller? caller, string? columnFamily, ReadOnlySpan<byte> key)
    {
        if (!IsRequired)
        {
            return null;
        }

        Principal principal = caller?.Principal ?? Principal.Anonymous;
        return FindRights(principal, out CompiledRights rights)
            ?? Denied(CommandRights.RefuseRead(rights, columnFamily, key), principal, caller, "a read");
    }

    /// <param name="end">Null for the end of the column family.</param>
    public Refusal? CheckRead(
        Caller? caller,
        string? columnFamily,
        ReadOnlySpan<byte> begin,
        ReadOnlyMemory<byte>? end,
        bool isEndInclusive)
    {
        if (!IsRequired)
        {
            return null;
        }

        Principal principal = caller?.Principal ?? Principal.Anonymous;
        return FindRights(principal, out CompiledRights rights)
            ?? Denied(
                CommandRights.RefuseRead(rights, columnFamily, begin, end, isEndInclusive),
                principal,
                caller,
                "a range");
    }

    /// <summary>
    /// Why the command may not run; null if it may, and then it carries the principal, so that apply checks again.
    /// </summary>
    public Refusal? Admit(Caller? caller, Principal principal, ref KvCommand command)
    {
        if (!IsRequired)
        {
            return null;
        }

        if (FindRights(principal, out CompiledRights rights) is { } refusal)
        {
            return refusal;
        }

        command = command with { Principal = principal.Encoded };
        return Denied(CommandRights.Refuse(rights, command), principal, caller, "a write");
    }

    private Refusal? Check(KvOperation operation, Caller? caller, Principal principal)
    {
        if (FindRights(principal, out CompiledRights rights) is { } refusal)
        {
            audit.Refused(principal, caller?.Remote ?? "", operation.Method, refusal.Message);
            return refusal;
        }

        return operation.Needs == AccessNeed.Admin
            ? Denied(CommandRights.RefuseAdmin(rights), principal, caller, operation.Method)
            : null;
    }

    private Refusal? FindRights(Principal principal, out CompiledRights rights)
    {
        rights = CompiledRights.None;
        if (principal.IsAnonymous)
        {
            return new Refusal(ErrorCode.UNAUTHENTICATED, "nobody has logged in on this connection: call authenticate");
        }

        if (principal.ExpiresUnixMs != 0 && principal.ExpiresUnixMs <= time.GetUtcNow().ToUnixTimeMilliseconds())
        {
            return new Refusal(ErrorCode.UNAUTHENTICATED, "the login has expired: call authenticate again");
        }

        if (principal.RightsIn(reader.Access) is not { } known)
        {
            return new Refusal(
                ErrorCode.UNAUTHENTICATED,
                "the login is not valid any more: the user, the password or the token has been changed or removed");
        }

        rights = known;
        return null;
    }

    private Refusal? Denied(in CommandResult? result, Principal principal, Caller? caller, string call)
    {
        if (result is not { } refused)
        {
            return null;
        }

        audit.Refused(principal, caller?.Remote ?? "", call, refused.Message ?? "");
        return Refusal.Of(in refused);
    }
}

using KvCloud.Node.Access;
using KvCloud.Node.Operations;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Node.State;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>
/// Holds each call to the rights of its caller, by what is applied here at that moment: a revocation holds for the next
/// call on an open connection, since two references no longer equal. Writes are held to them again where they are
/// applied. A right that was given a moment ago may not be applied here yet: <see cref="KvDispatcher"/> has a refusal
/// looked at again before it is answered (<see cref="RecheckedCall"/>), and then noted in the audit trail.
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
                return Unauthenticated(
                    outcome.Error ?? "auth_token is wrong",
                    new Denial(principal, RemoteOf(caller), operation.Method, Authenticator.CanBeOfUser(token)));
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
        return FindRights(principal, caller, "a read", out CompiledRights rights)
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
        return FindRights(principal, caller, "a range", out CompiledRights rights)
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

        if (FindRights(principal, caller, "a write", out CompiledRights rights) is { } refusal)
        {
            return refusal;
        }

        command = command with { Principal = principal.Encoded };
        return Denied(CommandRights.Refuse(rights, command), principal, caller, "a write");
    }

    /// <summary>
    /// Completes once the rights of a call that was refused can be looked at again: this replica has applied all that
    /// was chosen when the call came, or cannot tell.
    /// </summary>
    public Task<ReadIndexOutcome> ConfirmAsync(TimeSpan limit) => authenticator.ConfirmAsync(limit);

    /// <summary>Notes in the audit trail a refusal that is about to be answered.</summary>
    public void Note(in Refusal refusal)
    {
        if (refusal.Denial is { } denial)
        {
            audit.Refused(denial.Principal, denial.Remote, denial.Call, refusal.Message);
        }
    }

    private Refusal? Check(KvOperation operation, Caller? caller, Principal principal) =>
        FindRights(principal, caller, operation.Method, out CompiledRights rights)
            ?? (operation.Needs == AccessNeed.Admin
                ? Denied(CommandRights.RefuseAdmin(rights), principal, caller, operation.Method)
                : null);

    private Refusal? FindRights(Principal principal, Caller? caller, string call, out CompiledRights rights)
    {
        rights = CompiledRights.None;
        if (principal.IsAnonymous)
        {
            return Unauthenticated(
                "nobody has logged in on this connection: call authenticate",
                new Denial(principal, RemoteOf(caller), call, IsByCatalog: false));
        }

        if (principal.ExpiresUnixMs != 0 && principal.ExpiresUnixMs <= time.GetUtcNow().ToUnixTimeMilliseconds())
        {
            return Unauthenticated(
                "the login has expired: call authenticate again",
                new Denial(principal, RemoteOf(caller), call, IsByCatalog: false));
        }

        if (principal.RightsIn(reader.Access) is not { } known)
        {
            return Unauthenticated(
                "the login is not valid any more: the user, the password or the token has been changed or removed",
                new Denial(principal, RemoteOf(caller), call, IsByCatalog: true));
        }

        rights = known;
        return null;
    }

    private static Refusal Unauthenticated(string why, Denial denial) =>
        new(ErrorCode.UNAUTHENTICATED, why) { Denial = denial };

    private static Refusal? Denied(in CommandResult? result, Principal principal, Caller? caller, string call) =>
        result is { } refused
            ? Refusal.Of(in refused) with { Denial = new Denial(principal, RemoteOf(caller), call, IsByCatalog: true) }
            : null;

    private static string RemoteOf(Caller? caller) => caller?.Remote ?? "";
}

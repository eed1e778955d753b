using KvCloud.Node.Access;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;
using Thrift.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>
/// changeAccess: users and roles. A password is hashed here, before there is a command, so that no log ever has it.
/// </summary>
internal sealed class ChangeAccessMethod(KvBackend backend) : WriteMethod("changeAccess", backend)
{
    public override bool TakesToken => true;

    public override IPendingCall Dispatch(in RequestMessage message)
    {
        ChangeAccessRequest request = ThriftCodec.Current.ReadRequest<ChangeAccessRequest>(in message);
        if (Backend.CheckToken(Operation, in message, request, out Principal principal) is { } unauthenticated)
        {
            return Refuse(in message, in unauthenticated);
        }

        if (FindMistake(request) is { } wrong)
        {
            return Refuse(in message, in wrong);
        }

        // The rights first: nobody without them makes this node hash.
        KvCommand command = CommandOf(ChangeOf(request, password: null));
        return Admit(message.Caller, principal, ref command) is { } denied
            ? Refuse(in message, in denied)
            : new Call(this, in message, request, principal, command.Principal);
    }

    public override long? TimeoutOf(in RequestMessage message) =>
        GivenTimeoutMs(ThriftCodec.Current.ReadRequest<ChangeAccessRequest>(in message));

    public override void WriteSuccess(AnswerWriter output, int sequenceId, in CommandResult result) =>
        ThriftCodec.Current.WriteReply(
            output, NameUtf8, sequenceId, new ChangeAccessResponse(true) { Version = result.Version.Value });

    protected override TBase NewAnswer() => new ChangeAccessResponse();

    private static ChangeAccessCommand CommandOf(AccessChange change) => new(AccessChangeCodec.Encode(change));

    private static Refusal? FindMistake(ChangeAccessRequest request)
    {
        if (!Enum.IsDefined(request.Kind))
        {
            return Refusal.InvalidArgument("kind is not known to this node");
        }

        if (request.Password is { Length: < AccessLimits.MinPasswordChars or > AccessLimits.MaxPasswordChars })
        {
            return Refusal.InvalidArgument(
                $"a password has {AccessLimits.MinPasswordChars} to {AccessLimits.MaxPasswordChars} characters");
        }

        if (request.Kind == AccessChangeKind.SET_PASSWORD && request.Password is null)
        {
            return Refusal.InvalidArgument("password is missing");
        }

        if (request.Kind == AccessChangeKind.ADD_TOKEN
            && request.Token is not { Length: >= AccessLimits.MinTokenChars and <= AccessLimits.MaxTokenChars })
        {
            return Refusal.InvalidArgument(
                $"a token has {AccessLimits.MinTokenChars} to {AccessLimits.MaxTokenChars} characters,"
                + " drawn at random");
        }

        return request.Grant is { Rights: < 1 or > 7 }
            ? Refusal.InvalidArgument("rights is the sum of 1 (read), 2 (write) and 4 (admin)")
            : null;
    }

    private static AccessChange ChangeOf(ChangeAccessRequest request, PasswordHash? password) =>
        new((AccessAction)(int)request.Kind, request.Name)
        {
            Password = password,
            Token = request.Kind == AccessChangeKind.ADD_TOKEN
                ? new UserToken(
                    request.TokenName ?? "",
                    TokenHash.Of(request.Token!),
                    request.__isset.token_expires_unix_ms ? Math.Max(0, request.TokenExpiresUnixMs) : 0)
                : null,
            Other = request.Kind == AccessChangeKind.REMOVE_TOKEN ? request.TokenName : request.Role,
            Grant = request.Grant is { } grant
                ? new Grant((KvRights)grant.Rights, grant.ColumnFamily, grant.KeyPrefix)
                : null,
        };

    private sealed class Call(
        ChangeAccessMethod method,
        in RequestMessage message,
        ChangeAccessRequest request,
        Principal principal,
        ReadOnlyMemory<byte> encodedPrincipal)
        : PendingCall(method, in message)
    {
        private readonly string _remote = message.Caller?.Remote ?? "";
        private readonly long _deadlineMs = method.Backend.DeadlineAfter(GivenTimeoutMs(request), in message);
        private Refusal? _refusal;
        private CommandResult _result;

        protected override bool CanAnswerNow => false;

        public override bool TryWriteAnswer(AnswerWriter output, out ErrorCode code)
        {
            bool isRefused = Refusal.TryOf(in _result, out Refusal refusal);
            if (_refusal is { } early)
            {
                (isRefused, refusal) = (true, early);
            }

            if (isRefused)
            {
                method.WriteRefusal(output, SequenceId, in refusal);
            }
            else
            {
                method.WriteSuccess(output, SequenceId, in _result);
            }

            code = isRefused ? refusal.Code : ErrorCode.OK;
            return true;
        }

        protected override void Begin()
        {
            if (request.Password is null)
            {
                Propose(ChangeOf(request, null));
            }
            else
            {
                _ = HashAndProposeAsync();
            }
        }

        private async Task HashAndProposeAsync()
        {
            try
            {
                if (await method.Backend.Access.Authenticator.HashAsync(request.Password!).ConfigureAwait(false)
                    is { } password)
                {
                    Propose(ChangeOf(request, password));
                }
                else
                {
                    RefuseEarly(new Refusal(ErrorCode.OVERLOADED, "too many passwords wait to be hashed"));
                }
            }
            catch (Exception exception)
            {
                RefuseEarly(method.Backend.Failed(method, exception));
            }
        }

        private void Propose(AccessChange change)
        {
            // Apply holds it to the rights that its principal has by then.
            KvCommand command = CommandOf(change) with { Principal = encodedPrincipal };
            if (RequestRules.Check(command, GivenTimeoutMs(request)) is { } refused)
            {
                RefuseEarly(in refused);
                return;
            }

            method.Backend.Routing.Write(new Pending(this, change)
            {
                Command = CommandCodec.Encode(command),
                DeadlineMs = _deadlineMs,
            });
        }

        private void RefuseEarly(in Refusal refusal)
        {
            _refusal = refusal;
            MarkReady();
        }

        private sealed class Pending(Call call, AccessChange change) : PendingWrite
        {
            protected override void Complete(in CommandResult result)
            {
                call._result = result;
                call.Note(change, in result);
                call.MarkReady();
            }
        }

        private void Note(AccessChange change, in CommandResult result) => method.Backend.Access.Audit.AccessChanged(
            principal, _remote, change.Describe(), result.Code.ToErrorName() ?? "done");
    }
}

using KvCloud.Node.Access;
using KvCloud.Node.Operations;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>
/// authenticate: who calls by this connection from now on. Calls that were sent before its answer may still be those of
/// whom it was before.
/// </summary>
internal sealed class AuthenticateMethod(KvBackend backend)
    : AnsweringMethod<AuthenticateResponse>("authenticate", OperationKind.Node, backend)
{
    public override IPendingCall Dispatch(in RequestMessage message)
    {
        AuthenticateRequest request = ThriftCodec.Current.ReadRequest<AuthenticateRequest>(in message);
        bool hasToken = !string.IsNullOrEmpty(request.Token);
        bool hasUser = !string.IsNullOrEmpty(request.User);
        return hasToken == hasUser
            ? Refuse(in message, Refusal.InvalidArgument("either token, or user and password"))
            : new Call(this, in message, request, message.Caller ?? new Caller(null));
    }

    private async ValueTask<LoginOutcome> LogInAsync(AuthenticateRequest request, Caller caller) =>
        string.IsNullOrEmpty(request.Token)
            ? await Backend.Access.Authenticator.ByPasswordAsync(request.User!, request.Password ?? "", caller)
                .ConfigureAwait(false)
            : await Backend.Access.Authenticator.ByTokenAsync(request.Token, caller).ConfigureAwait(false);

    private sealed class Call(
        AuthenticateMethod method, in RequestMessage message, AuthenticateRequest request, Caller caller)
        : PendingCall(method, in message)
    {
        private LoginOutcome _outcome;

        protected override bool CanAnswerNow => false;

        public override bool TryWriteAnswer(AnswerWriter output, out ErrorCode code)
        {
            if (_outcome.Principal is { } principal)
            {
                var answer = new AuthenticateResponse(true) { User = principal.Name };
                if (principal.ExpiresUnixMs != 0)
                {
                    answer.ExpiresUnixMs = principal.ExpiresUnixMs;
                }

                code = method.Write(output, SequenceId, answer);
                return true;
            }

            code = _outcome.Unknown?.ToErrorCode() ?? ErrorCode.UNAUTHENTICATED;
            method.WriteRefused(output, SequenceId, new Refusal(code, _outcome.Error ?? "the login failed"));
            return true;
        }

        protected override void Begin() => _ = RunAsync();

        /// <summary>Never throws: nobody waits for the task but the answer.</summary>
        private async Task RunAsync()
        {
            try
            {
                _outcome = await method.LogInAsync(request, caller).ConfigureAwait(false);
                if (_outcome.Principal is { } principal)
                {
                    caller.Principal = principal;
                }
            }
            catch (Exception exception)
            {
                _outcome = new LoginOutcome(null, method.Backend.Failed(method, exception).Message);
            }

            MarkReady();
        }
    }
}

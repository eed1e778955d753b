using KvCloud.Node.Operations;

namespace KvCloud.Node.Access;

/// <summary>Finds out who somebody is: by password, by a user's token, or by an identity provider's.</summary>
/// <param name="readIndex">What is not known here is looked up again once the read index is applied.</param>
internal sealed class Authenticator(
    Func<AccessCatalog> catalog,
    AccessOptions options,
    TimeProvider time,
    AuditLog audit,
    JwtLogin? jwt,
    SharedReadIndex readIndex) : IDisposable
{
    private const string WrongPassword = "user or password is wrong";

    private readonly PasswordGate _gate = new();
    private readonly LoginBackoff _backoff = new(time);
    private readonly VerifiedPasswords _verified = new(time);

    /// <summary>Hashed for names that no user has, so that time tells nobody which names there are.</summary>
    private readonly Lazy<PasswordHash> _nobody =
        new(() => PasswordHashing.Hash(Guid.NewGuid().ToString(), options.PasswordIterations));

    /// <summary>Users and roles, as of what is applied here.</summary>
    public AccessCatalog Catalog => catalog();

    /// <summary>Whether a user may have that token, whatever is known of it here.</summary>
    public static bool CanBeOfUser(string token) =>
        token.Length is >= AccessLimits.MinTokenChars and <= AccessLimits.MaxTokenChars;

    /// <summary>
    /// Completes once this replica has applied all that was chosen when this was called, or cannot tell. Before that,
    /// what is refused by <see cref="Catalog"/> may be allowed by those of the others.
    /// </summary>
    /// <param name="limit">How long to wait at most, if that is less than the options say.</param>
    public Task<ReadIndexOutcome> ConfirmAsync(TimeSpan limit) =>
        readIndex.WaitAsync(limit < options.ReadIndexTimeout ? limit : options.ReadIndexTimeout);

    public async ValueTask<LoginOutcome> ByPasswordAsync(string user, string password, Caller caller)
    {
        if (_backoff.WaitMs(caller.Address) is > 0 and var waitMs)
        {
            audit.LoginFailed(user, LoginMethod.Password, caller, "too many failures");
            return new LoginOutcome(
                null,
                $"too many failed logins from this address: wait {waitMs} ms",
                KvStatus.Overloaded);
        }

        UserRecord? record = Catalog.FindUser(user);
        bool? isRight = await VerifyAsync(user, record?.Password, password).ConfigureAwait(false);
        if (isRight == false)
        {
            // The user may have been made, or the password changed, a moment ago.
            ReadIndexOutcome confirmed = await ConfirmAsync(options.ReadIndexTimeout).ConfigureAwait(false);
            if (confirmed.Code != KvStatus.Ok)
            {
                _backoff.NoteFailure(caller.Address);
                return NotTold("user or password", user, LoginMethod.Password, caller, in confirmed);
            }

            UserRecord? newer = Catalog.FindUser(user);
            if (!Equals(newer?.Password, record?.Password))
            {
                isRight = await VerifyAsync(user, newer?.Password, password).ConfigureAwait(false);
            }

            record = newer;
        }

        if (isRight is null)
        {
            return new LoginOutcome(
                null,
                $"{PasswordGate.MaxWaiting} logins by password wait already (PasswordGate.MaxWaiting)",
                KvStatus.Overloaded);
        }

        if (isRight == false)
        {
            _backoff.NoteFailure(caller.Address);
            audit.LoginFailed(user, LoginMethod.Password, caller, WrongPassword);
            return new LoginOutcome(null, WrongPassword);
        }

        _backoff.NoteSuccess(caller.Address);
        return Welcome(Principal.ByPassword(record!), caller);
    }

    /// <summary>A token of a user is known at once; an identity provider's may have to wait for its keys.</summary>
    public async ValueTask<LoginOutcome> ByTokenAsync(string token, Caller caller)
    {
        LoginOutcome outcome = ByUserToken(token)
            ?? (jwt is not null && JwtLogin.LooksLikeOne(token)
                ? await jwt.ValidateAsync(token).ConfigureAwait(false)
                : new LoginOutcome(null, "the token is not known"));
        if (outcome.Principal is null && CanBeOfUser(token))
        {
            ReadIndexOutcome confirmed = await ConfirmAsync(options.ReadIndexTimeout).ConfigureAwait(false);
            if (confirmed.Code != KvStatus.Ok)
            {
                return NotTold("the token", "", LoginMethod.Token, caller, in confirmed);
            }

            outcome = ByUserToken(token) ?? outcome;
        }

        return Conclude(outcome, caller);
    }

    /// <summary>
    /// For a single call that carries its token, by what is known here: a provider's keys that are not at hand are not
    /// fetched.
    /// </summary>
    public LoginOutcome ByTokenAtOnce(string token)
    {
        if (ByUserToken(token) is { } known)
        {
            return known;
        }

        return jwt is not null && JwtLogin.LooksLikeOne(token)
            ? jwt.ValidateAtOnce(token)
            : new LoginOutcome(null, "auth_token is wrong");
    }

    /// <summary>Hashes a new password; null where too many logins wait already.</summary>
    public async ValueTask<PasswordHash?> HashAsync(string password)
    {
        (bool isRun, PasswordHash? hash) = await _gate
            .TryRunAsync(() => PasswordHashing.Hash(password, options.PasswordIterations))
            .ConfigureAwait(false);
        return isRun ? hash : null;
    }

    public void Dispose() => _gate.Dispose();

    /// <summary>Null where too many wait to be verified already.</summary>
    /// <param name="known">Null for a user that is not known here, or has no password.</param>
    private async ValueTask<bool?> VerifyAsync(string user, PasswordHash? known, string password)
    {
        if (known is not null && _verified.Knows(user, known, password))
        {
            return true;
        }

        if (password.Length > AccessLimits.MaxPasswordChars)
        {
            return false;
        }

        (bool isRun, bool isRight) = await _gate
            .TryRunAsync(() => PasswordHashing.Verify(known ?? _nobody.Value, password))
            .ConfigureAwait(false);
        if (!isRun)
        {
            return null;
        }

        if (known is null || !isRight)
        {
            return false;
        }

        _verified.Note(user, known, password);
        return true;
    }

    /// <summary>To say that something is wrong would be a guess.</summary>
    private LoginOutcome NotTold(
        string what, string user, LoginMethod method, Caller caller, in ReadIndexOutcome confirmed)
    {
        string error = $"whether {what} is right could not be told: {confirmed.Message}";
        audit.LoginFailed(user, method, caller, error);
        return new LoginOutcome(null, error, confirmed.Code);
    }

    private LoginOutcome? ByUserToken(string token)
    {
        if (!CanBeOfUser(token))
        {
            return new LoginOutcome(null, "the token is too short or too long to be one");
        }

        var hash = TokenHash.Of(token);
        if (Catalog.FindToken(in hash) is not { } user)
        {
            return null;
        }

        UserToken record = user.Tokens.First(other => other.Hash == hash);
        return record.ExpiresUnixMs != 0 && record.ExpiresUnixMs <= time.GetUtcNow().ToUnixTimeMilliseconds()
            ? new LoginOutcome(null, $"token '{record.Name}' has expired")
            : new LoginOutcome(Principal.ByToken(user, record));
    }

    private LoginOutcome Conclude(LoginOutcome outcome, Caller caller)
    {
        if (outcome.Principal is { } principal)
        {
            return Welcome(principal, caller);
        }

        audit.LoginFailed("", LoginMethod.Token, caller, outcome.Error ?? "");
        return outcome;
    }

    private LoginOutcome Welcome(Principal principal, Caller caller)
    {
        audit.LoggedIn(principal, caller);
        return new LoginOutcome(principal);
    }
}

namespace KvCloud.Node.Access;

/// <summary>Finds out who somebody is: by password, by a user's token, or by an identity provider's.</summary>
internal sealed class Authenticator(
    Func<AccessCatalog> catalog, AccessOptions options, TimeProvider time, AuditLog audit, JwtLogin? jwt) : IDisposable
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

    public async ValueTask<LoginOutcome> ByPasswordAsync(string user, string password, Caller caller)
    {
        if (_backoff.WaitMs(caller.Address) is > 0 and var waitMs)
        {
            audit.LoginFailed(user, LoginMethod.Password, caller, "too many failures");
            return new LoginOutcome(
                null,
                $"too many failed logins from this address: wait {waitMs} ms",
                IsOverloaded: true);
        }

        UserRecord? record = Catalog.FindUser(user);
        PasswordHash? known = record?.Password;
        if (known is null || !_verified.Knows(user, known, password))
        {
            (bool isRun, bool isRight) = password.Length > AccessLimits.MaxPasswordChars
                ? (true, false)
                : await _gate.TryRunAsync(() => PasswordHashing.Verify(known ?? _nobody.Value, password))
                    .ConfigureAwait(false);
            if (!isRun)
            {
                return new LoginOutcome(
                    null,
                    $"{PasswordGate.MaxWaiting} logins by password wait already (PasswordGate.MaxWaiting)",
                    IsOverloaded: true);
            }

            if (known is null || !isRight)
            {
                _backoff.NoteFailure(caller.Address);
                audit.LoginFailed(user, LoginMethod.Password, caller, WrongPassword);
                return new LoginOutcome(null, WrongPassword);
            }

            _verified.Note(user, known, password);
        }

        _backoff.NoteSuccess(caller.Address);
        return Welcome(Principal.ByPassword(record!), caller);
    }

    /// <summary>A token of a user is known at once; an identity provider's may have to wait for its keys.</summary>
    public async ValueTask<LoginOutcome> ByTokenAsync(string token, Caller caller)
    {
        if (ByUserToken(token) is { } known)
        {
            return Conclude(known, caller);
        }

        if (jwt is null || !JwtLogin.LooksLikeOne(token))
        {
            return Conclude(new LoginOutcome(null, "the token is not known"), caller);
        }

        return Conclude(await jwt.ValidateAsync(token).ConfigureAwait(false), caller);
    }

    /// <summary>
    /// For a single call that carries its token, which waits for nothing: a provider's keys that are not at hand are
    /// not fetched.
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

    private LoginOutcome? ByUserToken(string token)
    {
        if (token.Length is < AccessLimits.MinTokenChars or > AccessLimits.MaxTokenChars)
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

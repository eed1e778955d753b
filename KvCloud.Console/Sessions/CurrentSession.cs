using Microsoft.AspNetCore.Components.Authorization;

namespace KvCloud.WebConsole.Sessions;

/// <summary>
/// The session of the page that asks, by the browser's cookie at the moment the page was opened. Whatever a page reads
/// or writes goes through it, and so with the rights of who has logged in.
/// </summary>
public sealed class CurrentSession(AuthenticationStateProvider authentication, SessionStore store)
{
    /// <summary>Claim of the cookie's ticket: the session's id.</summary>
    public const string IdClaim = "kvcloud-session";

    private readonly Lazy<ConsoleSession?> _session = new(() =>
    {
        // Known from the request on that opened the page: nothing is waited for.
        Task<AuthenticationState> state = authentication.GetAuthenticationStateAsync();
        return store.Of(state.IsCompletedSuccessfully ? state.Result.User : null);
    });

    /// <summary>Null: nobody has logged in, and somebody has to.</summary>
    public ConsoleSession? Session => _session.Value;

    /// <exception cref="InvalidOperationException">Nobody has logged in.</exception>
    public ConsoleSession Required => Session ?? throw new InvalidOperationException("nobody has logged in");
}

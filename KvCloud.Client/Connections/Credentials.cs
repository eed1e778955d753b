using KvCloud.Client.Calls;

namespace KvCloud.Client.Connections;

/// <summary>What the client logs in with, on each connection.</summary>
internal sealed class Credentials(
    string? user, string? password, string? token, Func<CancellationToken, ValueTask<string>>? tokenProvider)
{
    /// <summary>Null where the settings name none.</summary>
    public static Credentials? Of(KvCloudClientSettings settings)
    {
        bool hasUser = !string.IsNullOrEmpty(settings.User);
        bool hasToken = !string.IsNullOrEmpty(settings.Token);
        if (hasUser != !string.IsNullOrEmpty(settings.Password))
        {
            throw new ArgumentException("Settings User and Password go together.");
        }

        int ways = (hasUser ? 1 : 0) + (hasToken ? 1 : 0) + (settings.TokenProvider is null ? 0 : 1);
        return ways switch
        {
            0 => null,
            1 => new Credentials(settings.User, settings.Password, settings.Token, settings.TokenProvider),
            _ => throw new ArgumentException("Of User, Token and TokenProvider only one may be set."),
        };
    }

    /// <summary>A token that is renewed now and then is asked for anew at each login.</summary>
    public async ValueTask<AuthenticateCall> NewCallAsync(CancellationToken cancellationToken) => tokenProvider is null
        ? new AuthenticateCall(user, password, token)
        : new AuthenticateCall(null, null, await tokenProvider(cancellationToken).ConfigureAwait(false));
}

namespace KvCloud.WebConsole.Sessions;

public enum LoginOutcome
{
    LoggedIn = 0,

    /// <summary>User, password or token are wrong.</summary>
    Refused = 1,

    /// <summary>The cluster does not answer; whether the password is right is unknown.</summary>
    Unavailable = 2,

    /// <summary>The cluster has too many logins to check.</summary>
    Overloaded = 3,

    /// <summary><see cref="SessionStore.MostSessions"/> are open.</summary>
    TooManySessions = 4,
}

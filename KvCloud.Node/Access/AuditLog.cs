using KvCloud.Node.Telemetry;

namespace KvCloud.Node.Access;

/// <summary>
/// Who did what, from where: logins, refusals, and changes of users, roles, members, column families. Structured logs
/// of a category of their own, whose event ids never change; no keys, no values, no secrets.
/// </summary>
internal sealed partial class AuditLog(ILoggerFactory loggers, AccessMetrics metrics, TimeProvider time)
{
    public const string Category = "KvCloud.Audit";

    /// <summary>Lines a second of failed logins, and of refusals: what is beyond is counted in the next line.</summary>
    public const int MaxLinesPerSecond = 10;

    private readonly ILogger _logger = loggers.CreateLogger(Category);
    private readonly LogRateLimit _failedLogins = new(MaxLinesPerSecond, TimeSpan.FromSeconds(1), time);
    private readonly LogRateLimit _refusals = new(MaxLinesPerSecond, TimeSpan.FromSeconds(1), time);

    public void LoggedIn(Principal principal, Caller caller)
    {
        metrics.LoggedIn(principal.Method);
        Log.LoggedIn(_logger, principal.Name, principal.Method, caller.Remote);
    }

    public void LoginFailed(string user, LoginMethod method, Caller caller, string reason)
    {
        metrics.LoginFailed(method);
        if (_failedLogins.TryPass(out long suppressed))
        {
            Log.LoginFailed(_logger, Clean(user), method, caller.Remote, reason, suppressed);
        }
    }

    /// <param name="call">The method of the contract, or the path that was asked for by HTTP.</param>
    public void Refused(Principal principal, string remote, string call, string reason)
    {
        metrics.Refused();
        if (_refusals.TryPass(out long suppressed))
        {
            string user = principal.IsAnonymous ? "anonymous" : principal.Name;
            Log.Refused(_logger, user, principal.Method, remote, call, reason, suppressed);
        }
    }

    public void AccessChanged(Principal principal, string remote, string change, string outcome) =>
        Log.AccessChanged(_logger, principal.Name, principal.Method, remote, change, outcome);

    public void MembersChanged(Principal principal, string remote, string change, string outcome) =>
        Log.MembersChanged(_logger, principal.Name, principal.Method, remote, change, outcome);

    public void ColumnFamilyChanged(Principal principal, string remote, string change, string outcome) =>
        Log.ColumnFamilyChanged(_logger, principal.Name, principal.Method, remote, change, outcome);

    public void BackupOpened(Principal principal, string remote, long reader) =>
        Log.BackupOpened(_logger, principal.Name, principal.Method, remote, reader);

    public void FaultsSet(Principal principal, string remote, string target) =>
        Log.FaultsSet(_logger, principal.Name, principal.Method, remote, target);

    public void Started(AccessOptions options) => Log.Started(
        _logger,
        options.Authorization.ToString().ToLowerInvariant(),
        options.Jwt?.Issuer ?? "none",
        options.Metrics.ToString().ToLowerInvariant());

    public void KeysNotRead(string source, string reason) => Log.KeysNotRead(_logger, source, reason);

    /// <summary>What is no name of a user may be anything: a password, typed into the wrong field.</summary>
    private string Clean(string user) => user.Length > 0
        && user.Length <= AccessLimits.NameBytes
        && user.All(character => char.IsAsciiLetterOrDigit(character) || "._-@+:".Contains(character))
            ? user
            : "(no name)";

    private static partial class Log
    {
        [LoggerMessage(2001, LogLevel.Information, "{User} logged in by {Method} from {Remote}")]
        public static partial void LoggedIn(ILogger logger, string user, LoginMethod method, string remote);

        [LoggerMessage(
            2002,
            LogLevel.Warning,
            "Login of {User} by {Method} from {Remote} failed: {Reason} ({Suppressed} similar lines suppressed)")]
        public static partial void LoginFailed(
            ILogger logger, string user, LoginMethod method, string remote, string reason, long suppressed);

        [LoggerMessage(
            2003,
            LogLevel.Warning,
            "Refused {Call} of {User} ({Method}) from {Remote}: {Reason} ({Suppressed} similar lines suppressed)")]
        public static partial void Refused(
            ILogger logger,
            string user,
            LoginMethod method,
            string remote,
            string call,
            string reason,
            long suppressed);

        [LoggerMessage(
            2010, LogLevel.Information, "{User} ({Method}) from {Remote} changed users or roles: {Change}: {Outcome}")]
        public static partial void AccessChanged(
            ILogger logger, string user, LoginMethod method, string remote, string change, string outcome);

        [LoggerMessage(
            2011, LogLevel.Information, "{User} ({Method}) from {Remote} changed members: {Change}: {Outcome}")]
        public static partial void MembersChanged(
            ILogger logger, string user, LoginMethod method, string remote, string change, string outcome);

        [LoggerMessage(
            2012, LogLevel.Information, "{User} ({Method}) from {Remote} changed column families: {Change}: {Outcome}")]
        public static partial void ColumnFamilyChanged(
            ILogger logger, string user, LoginMethod method, string remote, string change, string outcome);

        [LoggerMessage(2013, LogLevel.Information, "{User} ({Method}) from {Remote} reads a backup as reader {Reader}")]
        public static partial void BackupOpened(
            ILogger logger, string user, LoginMethod method, string remote, long reader);

        [LoggerMessage(2014, LogLevel.Warning, "{User} ({Method}) from {Remote} asked for faults in {Target}")]
        public static partial void FaultsSet(
            ILogger logger, string user, LoginMethod method, string remote, string target);

        [LoggerMessage(
            2021,
            LogLevel.Warning,
            "The identity provider's keys could not be read from {Source}: {Reason}. Those known before stay in use")]
        public static partial void KeysNotRead(ILogger logger, string source, string reason);

        [LoggerMessage(
            2020,
            LogLevel.Information,
            "Started with authorization {Authorization}, tokens of issuer {Issuer}, metrics {Metrics}")]
        public static partial void Started(ILogger logger, string authorization, string issuer, string metrics);
    }
}

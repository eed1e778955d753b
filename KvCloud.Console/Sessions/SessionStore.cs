using System.Collections.Concurrent;
using System.Security.Claims;
using System.Security.Cryptography;
using KvCloud.Client;
using KvCloud.Client.Calls;
using KvCloud.Monitoring;
using KvCloud.Protocol;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.ServiceDiscovery;

namespace KvCloud.WebConsole.Sessions;

/// <summary>
/// Who is logged in. Passwords and tokens are in this process's memory alone: a browser holds the protected name of a
/// session, and a restart of the console ends all of them.
/// </summary>
public sealed partial class SessionStore : BackgroundService
{
    /// <summary>Sessions at a time; a login beyond that is refused.</summary>
    public const int MostSessions = 64;

    /// <summary>A session without a page for so long ends.</summary>
    public static readonly TimeSpan IdleTimeout = TimeSpan.FromMinutes(30);

    private const int IdBytes = 32;
    private static readonly TimeSpan LoginTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, ConsoleSession> _sessions = new(StringComparer.Ordinal);
    private readonly KvCloudClientSettings _connection;
    private readonly ConsoleOptions _options;
    private readonly ServiceEndpointResolver? _resolver;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;

    /// <exception cref="ArgumentException">A setting of the connection is wrong; the message names it.</exception>
    public SessionStore(
        KvCloudClientSettings connection,
        IOptions<ConsoleOptions> options,
        IHostEnvironment environment,
        ILoggerFactory loggers,
        TimeProvider time,
        ServiceEndpointResolver? resolver = null)
    {
        _connection = ConnectionStringParser.Apply(connection);
        if (_connection.Endpoints.Count == 0)
        {
            throw new ArgumentException(
                "No endpoint of the cluster is configured: set ConnectionStrings:kv, such as"
                + " Endpoints=localhost:9090.");
        }

        _options = options.Value;
        _resolver = resolver;
        _loggers = loggers;
        _logger = loggers.CreateLogger<SessionStore>();
        _time = time;
        Shared = _options.RequiresLogin(environment, HasLogin(_connection)) ? null : Create("", null, _connection);
    }

    /// <summary>Of whoever has not logged in; null where everybody has to.</summary>
    public ConsoleSession? Shared { get; }

    public int Count => _sessions.Count;

    /// <summary>Null: there is none of this id any more.</summary>
    public ConsoleSession? Find(string id)
    {
        if (_sessions.TryGetValue(id, out ConsoleSession? session))
        {
            session.Touch();
        }

        return session;
    }

    /// <summary>The session of a browser's cookie, or the shared one; null: somebody has to log in.</summary>
    public ConsoleSession? Of(ClaimsPrincipal? user) =>
        user?.FindFirst(CurrentSession.IdClaim)?.Value is { } id ? Find(id) : Shared;

    /// <summary>Logs in at the cluster, with a password or a token.</summary>
    public async Task<LoginAnswer> LogInAsync(
        string? user, string? password, string? token, CancellationToken cancellationToken)
    {
        if (_sessions.Count >= MostSessions)
        {
            return new LoginAnswer(LoginOutcome.TooManySessions);
        }

        KvCloudClientSettings settings = ConnectionStringParser.Apply(_connection);
        settings.AuthToken = null;
        settings.User = string.IsNullOrEmpty(token) ? user : null;
        settings.Password = string.IsNullOrEmpty(token) ? password : null;
        settings.Token = string.IsNullOrEmpty(token) ? null : token;
        if (string.IsNullOrEmpty(token) && (string.IsNullOrEmpty(user) || string.IsNullOrEmpty(password)))
        {
            return new LoginAnswer(LoginOutcome.Refused);
        }

        await using (var client = new KvCloudClient(settings, _resolver, _loggers))
        {
            try
            {
                await client.GetClusterHealthAsync(
                    new KvReadOptions { Timeout = LoginTimeout }, cancellationToken);
            }
            catch (KvCloudException error)
            {
                LoginFailed(_logger, user, error.ErrorCode);
                return new LoginAnswer(error.ErrorCode switch
                {
                    ErrorCode.UNAUTHENTICATED or ErrorCode.PERMISSION_DENIED => LoginOutcome.Refused,
                    ErrorCode.OVERLOADED => LoginOutcome.Overloaded,
                    _ => LoginOutcome.Unavailable,
                });
            }
        }

        string id = Convert.ToHexString(RandomNumberGenerator.GetBytes(IdBytes));
        ConsoleSession session = Create(id, string.IsNullOrEmpty(token) ? user : "token", settings);
        _sessions[id] = session;
        LoggedIn(_logger, session.User);
        return new LoginAnswer(LoginOutcome.LoggedIn, session);
    }

    /// <summary>Ends a session; its pages ask for a login.</summary>
    public async Task EndAsync(string id)
    {
        if (_sessions.TryRemove(id, out ConsoleSession? session))
        {
            await session.DisposeAsync();
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await Task.WhenAll(_sessions.Keys.Select(EndAsync));
        if (Shared is not null)
        {
            await Shared.DisposeAsync();
        }
    }

    /// <summary>Ends sessions without a page, and those whose login the cluster no longer takes.</summary>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(SweepInterval, _time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            foreach (ConsoleSession session in _sessions.Values.Where(
                session => session.Idle > IdleTimeout || session.Monitor.IsRefused))
            {
                SessionEnds(_logger, session.User);
                await EndAsync(session.Id);
            }
        }
    }

    private static bool HasLogin(KvCloudClientSettings settings) =>
        settings is not { User: null or "", Token: null or "", AuthToken: null or "", TlsCertificate: null };

    private ConsoleSession Create(string id, string? user, KvCloudClientSettings settings) => new(
        id,
        user,
        new KvCloudClient(settings, _resolver, _loggers),
        new NodeHttp(settings, _options.NodesSpeakTls),
        _loggers,
        _time);

    [LoggerMessage(1, LogLevel.Information, "{User} has logged in")]
    private static partial void LoggedIn(ILogger logger, string? user);

    [LoggerMessage(2, LogLevel.Warning, "A login of {User} failed: {Code}")]
    private static partial void LoginFailed(ILogger logger, string? user, ErrorCode code);

    [LoggerMessage(3, LogLevel.Information, "The session of {User} ends")]
    private static partial void SessionEnds(ILogger logger, string? user);
}

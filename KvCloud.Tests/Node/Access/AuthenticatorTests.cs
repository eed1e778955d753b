using System.Net;
using KvCloud.Node.Access;
using KvCloud.Node.Operations;
using KvCloud.Tests.Node.Diagnostics;
using KvCloud.Tests.Node.Tls;
using Microsoft.Extensions.Logging;

namespace KvCloud.Tests.Node.Access;

/// <summary>A replica that is a moment behind: what it does not know may be true all the same.</summary>
public sealed class AuthenticatorTests : IDisposable
{
    private const string Token = "a token that is long enough to be one, and random for this test";

    private static readonly AccessCatalog Nobody = AccessCatalog.Empty;
    private readonly TestMeters _meters = new();
    private readonly RecordingLog _log = new();
    private readonly LoggerFactory _loggers;
    private readonly Authenticator _authenticator;
    private AccessCatalog _catalog = Nobody;
    private AccessCatalog _later = Nobody;
    private ReadIndexOutcome _caughtUp = new(KvStatus.Ok);
    private int _rounds;

    public AuthenticatorTests()
    {
        _loggers = new LoggerFactory([_log]);
        _authenticator = new Authenticator(
            () => _catalog,
            new AccessOptions { PasswordIterations = 10 },
            TimeProvider.System,
            new AuditLog(_loggers, new AccessMetrics(_meters), TimeProvider.System),
            jwt: null,
            new SharedReadIndex(ReadIndexAsync, TimeProvider.System));
    }

    public void Dispose()
    {
        _authenticator.Dispose();
        _loggers.Dispose();
        _meters.Dispose();
    }

    [Fact]
    public async Task ByPasswordAsync_user_that_was_made_a_moment_ago_is_known_once_the_replica_has_caught_up()
    {
        _later = With("ada", "her password");

        Assert.Equal("ada", (await LogInAsync("her password")).Principal?.Name);
        Assert.Equal(1, _rounds);
        Assert.Equal("ada", (await LogInAsync("her password")).Principal?.Name);
        Assert.Equal(1, _rounds);
    }

    [Fact]
    public async Task ByPasswordAsync_password_that_was_changed_a_moment_ago_is_right()
    {
        _catalog = With("ada", "her old password");
        _later = With("ada", "her new password");

        Assert.Equal("ada", (await LogInAsync("her new password")).Principal?.Name);
        Assert.Equal("user or password is wrong", (await LogInAsync("her old password")).Error);
    }

    [Fact]
    public async Task ByPasswordAsync_replica_that_cannot_catch_up_does_not_call_the_password_wrong()
    {
        _caughtUp = new ReadIndexOutcome(KvStatus.NoLeader, "no leader confirmed the read before its deadline");

        LoginOutcome outcome = await LogInAsync("her password");

        Assert.Equal((null, KvStatus.NoLeader), (outcome.Principal, outcome.Unknown));
        Assert.Equal(
            "whether user or password is right could not be told: no leader confirmed the read before its deadline",
            outcome.Error);
        Assert.Contains(_log.Lines, line => line.Message.Contains("could not be told", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ByPasswordAsync_address_that_has_to_wait_costs_the_leader_nothing()
    {
        LoginOutcome last = default;
        for (int i = 0; i < LoginBackoff.FreeFailures + 20; i++)
        {
            last = await LogInAsync("a guess");
        }

        Assert.Equal(KvStatus.Overloaded, last.Unknown);
        Assert.InRange(_rounds, 1, LoginBackoff.FreeFailures + 2);
    }

    [Fact]
    public async Task ByTokenAsync_token_that_was_made_a_moment_ago_is_known_once_the_replica_has_caught_up()
    {
        _later = new AccessCatalog(
            [UserRecord.New("ada", null) with { Tokens = [new UserToken("t", TokenHash.Of(Token), 0)] }], []);

        Assert.Equal("ada", (await _authenticator.ByTokenAsync(Token, Stranger)).Principal?.Name);
        LoginOutcome other = await _authenticator.ByTokenAsync(Token + "!", Stranger);
        Assert.Equal("the token is not known", other.Error);
        _caughtUp = new ReadIndexOutcome(KvStatus.Timeout, "too late");
        other = await _authenticator.ByTokenAsync(Token + "!", Stranger);
        Assert.Equal((KvStatus.Timeout, "whether the token is right could not be told: too late"),
            (other.Unknown, other.Error));
    }

    [Fact]
    public async Task ByTokenAsync_token_that_has_expired_may_have_been_made_anew()
    {
        _catalog = new AccessCatalog(
            [UserRecord.New("ada", null) with { Tokens = [new UserToken("t", TokenHash.Of(Token), 1)] }], []);
        _later = _catalog;
        Assert.Equal("token 't' has expired", (await _authenticator.ByTokenAsync(Token, Stranger)).Error);
        _later = new AccessCatalog(
            [UserRecord.New("ada", null) with { Tokens = [new UserToken("t", TokenHash.Of(Token), 0)] }], []);

        Assert.Equal("ada", (await _authenticator.ByTokenAsync(Token, Stranger)).Principal?.Name);
    }

    [Fact]
    public async Task ByTokenAsync_token_that_no_user_can_have_costs_the_leader_nothing()
    {
        LoginOutcome outcome = await _authenticator.ByTokenAsync("short", Stranger);

        Assert.Equal("the token is too short or too long to be one", outcome.Error);
        Assert.Equal(0, _rounds);
    }

    private static Caller Stranger => new(new IPEndPoint(IPAddress.Parse("10.0.0.7"), 4711));

    private static AccessCatalog With(string user, string password) =>
        new([UserRecord.New(user, PasswordHashing.Hash(password, 10))], []);

    private ValueTask<LoginOutcome> LogInAsync(string password) =>
        _authenticator.ByPasswordAsync("ada", password, Stranger);

    private ValueTask<ReadIndexOutcome> ReadIndexAsync()
    {
        _rounds++;
        if (_caughtUp.Code == KvStatus.Ok)
        {
            _catalog = _later;
        }

        return new ValueTask<ReadIndexOutcome>(_caughtUp);
    }
}

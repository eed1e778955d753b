using System.Net;
using System.Net.Http.Headers;
using System.Text;
using KvCloud.Node.Access;
using KvCloud.Node.Diagnostics;
using KvCloud.Node.Operations;
using KvCloud.Tests.Node.Tls;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace KvCloud.Tests.Node.Diagnostics;

/// <summary>A replica that is a moment behind, by HTTP: who may administer it may not know yet.</summary>
public sealed class HttpAccessTests : IAsyncLifetime, IDisposable
{
    private static readonly UserRecord Ada = UserRecord.New("ada", PasswordHashing.Hash("her password", 10));
    private static readonly AccessCatalog WithoutRights = new([Ada], []);
    private static readonly AccessCatalog WithRights =
        new([Ada with { Grants = [new Grant(KvRights.Admin, Grant.Everywhere, default)] }], []);

    private readonly TestMeters _meters = new();
    private readonly RecordingLog _log = new();
    private readonly HttpClient _client = new();
    private readonly WebApplication _app;
    private readonly Authenticator _authenticator;
    private AccessCatalog _catalog = WithoutRights;
    private AccessCatalog _later = WithoutRights;
    private ReadIndexOutcome _outcome = new(KvStatus.Ok);
    private int _rounds;

    public HttpAccessTests()
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Logging.AddProvider(_log);
        var options = new AccessOptions { Authorization = AuthorizationMode.Required, PasswordIterations = 10 };
        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton(provider => new AuditLog(
            provider.GetRequiredService<ILoggerFactory>(), new AccessMetrics(_meters), TimeProvider.System));
        builder.Services.AddSingleton(provider => new Authenticator(
            () => _catalog,
            options,
            TimeProvider.System,
            provider.GetRequiredService<AuditLog>(),
            jwt: null,
            new SharedReadIndex(ReadIndexAsync, TimeProvider.System)));
        _app = builder.Build();
        _authenticator = _app.Services.GetRequiredService<Authenticator>();
        _app.UseHttpAccess();
        _app.Run(context => context.Response.WriteAsync("let in"));
        _client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue(
            "Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes("ada:her password")));
    }

    public async Task InitializeAsync()
    {
        await _app.StartAsync();
        _client.BaseAddress = new Uri(_app.Services.GetRequiredService<IServer>()
            .Features.Get<IServerAddressesFeature>()!.Addresses.First());
    }

    public async Task DisposeAsync() => await _app.DisposeAsync();

    public void Dispose()
    {
        _client.Dispose();
        _authenticator.Dispose();
        _meters.Dispose();
        _log.Dispose();
    }

    [Fact]
    public async Task UseHttpAccess_right_that_was_given_a_moment_ago_is_known_once_the_replica_has_caught_up()
    {
        _later = WithRights;

        Assert.Equal((HttpStatusCode.OK, "let in"), await GetAsync());
        Assert.Equal(1, _rounds);
        Assert.Equal((HttpStatusCode.OK, "let in"), await GetAsync());
        Assert.Equal(1, _rounds);
        Assert.Empty(Refusals);
    }

    [Fact]
    public async Task UseHttpAccess_right_that_is_missing_on_all_replicas_is_denied_and_noted_once()
    {
        Assert.Equal((HttpStatusCode.Forbidden, "PERMISSION_DENIED: admin is needed\n"), await GetAsync());
        Assert.Contains("no right to admin", Assert.Single(Refusals), StringComparison.Ordinal);
    }

    [Fact]
    public async Task UseHttpAccess_replica_that_cannot_find_out_does_not_say_that_the_right_is_missing()
    {
        _outcome = new ReadIndexOutcome(KvStatus.NoLeader, "no leader confirmed the read");

        Assert.Equal(
            (HttpStatusCode.ServiceUnavailable,
                "NO_LEADER: whether there is a right to admin could not be told: no leader confirmed the read\n"),
            await GetAsync());
        Assert.Contains("could not be told", Assert.Single(Refusals), StringComparison.Ordinal);
    }

    [Fact]
    public async Task UseHttpAccess_caller_without_a_login_costs_the_leader_nothing()
    {
        _client.DefaultRequestHeaders.Authorization = null;

        Assert.Equal(HttpStatusCode.Unauthorized, (await GetAsync()).Code);
        Assert.Equal(0, _rounds);
    }

    private IEnumerable<string> Refusals =>
        _log.Lines.Select(line => line.Message).Where(line => line.StartsWith("Refused ", StringComparison.Ordinal));

    private async Task<(HttpStatusCode Code, string Body)> GetAsync()
    {
        using HttpResponseMessage answer = await _client.GetAsync(new Uri("/status", UriKind.Relative));
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    private ValueTask<ReadIndexOutcome> ReadIndexAsync()
    {
        _rounds++;
        _catalog = _outcome.Code == KvStatus.Ok ? _later : _catalog;
        return new ValueTask<ReadIndexOutcome>(_outcome);
    }
}

using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using KvCloud.Node.Access;
using KvCloud.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Microsoft.IdentityModel.Tokens;

namespace KvCloud.Tests.Node.Access;

/// <summary>An identity provider's keys, by a real https server with a certificate of a test's CA.</summary>
public sealed class JwtKeySourceTests : IAsyncDisposable
{
    private static readonly JwtOptions Options = new()
    {
        Issuer = "https://idp.test/",
        Audience = "kvcloud",
        Keys = "unused",
    };

    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private readonly TestCa _ca = new();
    private readonly RSA _one = RSA.Create(2048);
    private readonly RSA _two = RSA.Create(2048);
    private readonly List<string> _failures = [];
    private readonly List<IDisposable> _disposables = [];
    private string _published;
    private int _reads;
    private WebApplication? _provider;

    public JwtKeySourceTests()
    {
        _published = IdentityProvider.JwksOf(_one, "one");
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _disposables.ForEach(disposable => disposable.Dispose());
        _one.Dispose();
        _two.Dispose();
        _ca.Dispose();
    }

    [Fact]
    public async Task ReadAsync_server_of_the_ca_that_is_told_is_believed_and_keys_that_rotate_are_followed()
    {
        JwtLogin login = NewLogin(await StartAsync(Server()), _ca.CaFile);

        Assert.Equal("ada", (await login.ValidateAsync(TokenOf(_one, "one"))).Principal?.Name);
        _published = IdentityProvider.JwksOf(_two, "two");
        _time.Advance(JwtKeys.MinPause + TimeSpan.FromSeconds(1));
        Assert.Equal("ada", (await login.ValidateAsync(TokenOf(_two, "two"))).Principal?.Name);

        // The former key is gone from the provider's, and so from ours.
        Assert.Null((await login.ValidateAsync(TokenOf(_one, "one"))).Principal);
        Assert.Equal(2, _reads);
        Assert.Empty(_failures);
    }

    [Theory]
    [InlineData("other ca", "is not trusted: its certificate, of", "is not of a CA that is trusted here")]
    [InlineData("no ca", "is not trusted: its certificate, of", "is not of a CA that is trusted here")]
    [InlineData("other host", "localhost is not trusted:", "its certificate is not made out for localhost")]
    [InlineData("expired", "is not trusted: its certificate, of", "or one above it is not valid now")]
    public async Task ReadAsync_server_that_is_not_trusted_is_named_and_its_keys_count_for_nothing(
        string what, string first, string second)
    {
        using var other = new TestCa("Other CA");
        DateTimeOffset now = DateTimeOffset.UtcNow;
        PemPair pair = what switch
        {
            "other ca" => other.Issue([], ["1.3.6.1.5.5.7.3.1"]),
            "other host" => _ca.Issue([], ["1.3.6.1.5.5.7.3.1"], host: "idp.example"),
            "expired" => _ca.Issue([], ["1.3.6.1.5.5.7.3.1"], now.AddDays(-9), now.AddDays(-1)),
            _ => Server(),
        };
        JwtLogin login = NewLogin(await StartAsync(pair), what == "no ca" ? null : _ca.CaFile);

        LoginOutcome outcome = await login.ValidateAsync(TokenOf(_one, "one"));

        Assert.Equal("the keys of the identity provider are not known to this node", outcome.Error);
        string failure = Assert.Single(_failures);
        Assert.Contains(first, failure, StringComparison.Ordinal);
        Assert.Contains(second, failure, StringComparison.Ordinal);
        Assert.Equal(0, _reads);
    }

    [Fact]
    public async Task ReadAsync_server_that_is_away_is_told_and_logins_with_keys_that_are_known_go_on()
    {
        JwtLogin login = NewLogin(await StartAsync(Server()), _ca.CaFile);
        Assert.NotNull((await login.ValidateAsync(TokenOf(_one, "one"))).Principal);
        await StopAsync();
        _time.Advance(JwtKeys.Lifetime + TimeSpan.FromSeconds(1));

        Assert.NotNull((await login.ValidateAsync(TokenOf(_one, "one"))).Principal);
        Assert.Single(_failures);
        Assert.Null((await login.ValidateAsync(TokenOf(_two, "two"))).Principal);
        Assert.NotNull((await login.ValidateAsync(TokenOf(_one, "one"))).Principal);
        Assert.Contains("localhost", _failures[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("an error", "500")]
    [InlineData("too long", "262144")]
    [InlineData("no keys", "it has no public key for signatures")]
    public async Task ReadAsync_answer_that_is_no_key_set_replaces_nothing(string what, string expected)
    {
        JwtLogin login = NewLogin(await StartAsync(Server()), _ca.CaFile);
        Assert.NotNull((await login.ValidateAsync(TokenOf(_one, "one"))).Principal);
        _published = what switch
        {
            "an error" => "",
            "too long" => new string(' ', JwtKeys.MaxBytes + 1),
            _ => """{"keys":[]}""",
        };
        _time.Advance(JwtKeys.Lifetime + TimeSpan.FromSeconds(1));

        Assert.NotNull((await login.ValidateAsync(TokenOf(_one, "one"))).Principal);
        Assert.Contains(expected, Assert.Single(_failures), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadAsync_ca_file_that_is_missing_is_named_by_its_setting()
    {
        JwtLogin login = NewLogin(await StartAsync(Server()), "/none.pem");

        Assert.Null((await login.ValidateAsync(TokenOf(_one, "one"))).Principal);
        Assert.Contains("jwt.keys_ca: /none.pem", Assert.Single(_failures), StringComparison.Ordinal);
    }

    private PemPair Server() => _ca.Issue([], ["1.3.6.1.5.5.7.3.1"]);

    private JwtLogin NewLogin(string url, string? ca)
    {
        var keys = new JwtKeys(_time, new JwtKeySource(url, ca, TimeProvider.System).ReadAsync, _failures.Add);
        _disposables.Add(keys);
        return new JwtLogin(Options, keys, _time);
    }

    private async Task<string> StartAsync(PemPair pair)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var certificate = X509Certificate2.CreateFromPemFile(pair.Certificate, pair.Key);
        _disposables.Add(certificate);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(
            IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
        _provider = builder.Build();
        _provider.MapGet("/keys", () =>
        {
            _reads++;
            return _published.Length > 0 ? Results.Text(_published) : Results.StatusCode(500);
        });
        await _provider.StartAsync();
        string address = _provider.Services.GetRequiredService<IServer>().Features
            .Get<IServerAddressesFeature>()!.Addresses.Single();
        return $"https://localhost:{new Uri(address).Port}/keys";
    }

    private async Task StopAsync()
    {
        if (_provider is { } provider)
        {
            _provider = null;
            await provider.DisposeAsync();
        }
    }

    private string TokenOf(RSA key, string id) => IdentityProvider.TokenOf(
        new SigningCredentials(new RsaSecurityKey(key) { KeyId = id }, SecurityAlgorithms.RsaSha256),
        _time.GetUtcNow(),
        "https://idp.test/",
        "kvcloud",
        "ada");
}

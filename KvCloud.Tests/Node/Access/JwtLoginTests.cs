using System.Security.Cryptography;
using KvCloud.Node.Access;
using Microsoft.Extensions.Time.Testing;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace KvCloud.Tests.Node.Access;

/// <summary>Tokens of an identity provider, signed here, against a key set in a file.</summary>
public sealed class JwtLoginTests : IDisposable
{
    private static readonly JwtOptions Options = new()
    {
        Issuer = "https://idp.test/",
        Audience = "kvcloud",
        Keys = "unused",
    };

    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private readonly RSA _rsa = RSA.Create(2048);
    private readonly RSA _stranger = RSA.Create(2048);
    private readonly JwtKeys _keys;
    private readonly JwtLogin _login;
    private string _published;
    private readonly List<string> _failures = [];
    private int _reads;

    public JwtLoginTests()
    {
        _published = IdentityProvider.JwksOf(_rsa, "one");
        _keys = new JwtKeys(
            _time,
            () =>
            {
                _reads++;
                return Task.FromResult(_published);
            },
            _failures.Add);
        _login = new JwtLogin(Options, _keys, _time);
    }

    public void Dispose()
    {
        _keys.Dispose();
        _rsa.Dispose();
        _stranger.Dispose();
    }

    [Fact]
    public async Task ValidateAsync_sound_token_is_its_subject_with_its_roles_until_it_expires()
    {
        LoginOutcome outcome = await _login.ValidateAsync(TokenOf(_rsa, "one"));

        Assert.Null(outcome.Error);
        Assert.Equal("ada", outcome.Principal!.Name);
        Assert.Equal(LoginMethod.Jwt, outcome.Principal.Method);
        Assert.Equal(["readers", "writers"], outcome.Principal.ClaimedRoles);
        Assert.InRange(
            outcome.Principal.ExpiresUnixMs - _time.GetUtcNow().ToUnixTimeMilliseconds(), 299_000, 301_000);
    }

    [Fact]
    public async Task ValidateAsync_token_of_another_issuer_audience_or_time_is_refused()
    {
        await RefusedAsync(TokenOf(_rsa, "one", issuer: "https://other.test/"));
        await RefusedAsync(TokenOf(_rsa, "one", audience: "other"));
        await RefusedAsync(TokenOf(_stranger, "one"));
        string token = TokenOf(_rsa, "one");
        _time.Advance(TimeSpan.FromSeconds(300 + 59));
        Assert.NotNull((await _login.ValidateAsync(token)).Principal);
        _time.Advance(TimeSpan.FromSeconds(2));
        await RefusedAsync(token);
        await RefusedAsync(TokenOf(_rsa, "one", user: ""));
    }

    /// <summary>An attacker signs with what everybody knows, the public key, or not at all.</summary>
    [Fact]
    public async Task ValidateAsync_token_with_a_symmetric_signature_or_none_is_refused()
    {
        var symmetric = new SymmetricSecurityKey(_rsa.ExportSubjectPublicKeyInfo()) { KeyId = "one" };
        await RefusedAsync(TokenOf(new SigningCredentials(symmetric, SecurityAlgorithms.HmacSha256)));
        await RefusedAsync(TokenOf(credentials: null));
        string[] parts = TokenOf(_rsa, "one").Split('.');
        await RefusedAsync($"{parts[0]}.{parts[1]}.");
    }

    [Fact]
    public async Task ValidateAsync_token_of_a_key_that_is_new_has_the_keys_read_again_but_not_too_often()
    {
        Assert.NotNull((await _login.ValidateAsync(TokenOf(_rsa, "one"))).Principal);
        Assert.Equal(1, _reads);
        _published = IdentityProvider.JwksOf(_stranger, "two");

        await RefusedAsync(TokenOf(_stranger, "two"));
        Assert.Equal(1, _reads);
        _time.Advance(JwtKeys.MinPause + TimeSpan.FromSeconds(1));
        Assert.NotNull((await _login.ValidateAsync(TokenOf(_stranger, "two"))).Principal);
        Assert.Equal(2, _reads);
    }

    [Fact]
    public async Task ValidateAtOnce_has_the_keys_that_were_read_and_asks_nobody()
    {
        Assert.NotNull(_login.ValidateAtOnce(TokenOf(_rsa, "one")).Error);
        Assert.Equal(0, _reads);
        await _login.ValidateAsync(TokenOf(_rsa, "one"));

        Assert.Equal("ada", _login.ValidateAtOnce(TokenOf(_rsa, "one")).Principal?.Name);
    }

    [Fact]
    public async Task GetAsync_of_what_is_no_key_set_has_none_and_says_so_at_the_login()
    {
        _published = "{ this is no JSON";

        LoginOutcome outcome = await _login.ValidateAsync(TokenOf(_rsa, "one"));

        Assert.Equal("the keys of the identity provider are not known to this node", outcome.Error);
        Assert.Single(_failures);
    }

    private async Task RefusedAsync(string token)
    {
        LoginOutcome outcome = await _login.ValidateAsync(token);
        Assert.Null(outcome.Principal);
        Assert.DoesNotContain(token.Split('.')[1], outcome.Error, StringComparison.Ordinal);
    }

    private string TokenOf(
        RSA key, string id, string issuer = "https://idp.test/", string audience = "kvcloud", string user = "ada") =>
        TokenOf(
            new SigningCredentials(new RsaSecurityKey(key) { KeyId = id }, SecurityAlgorithms.RsaSha256),
            issuer,
            audience,
            user);

    private string TokenOf(
        SigningCredentials? credentials,
        string issuer = "https://idp.test/",
        string audience = "kvcloud",
        string user = "ada") =>
        IdentityProvider.TokenOf(credentials, _time.GetUtcNow(), issuer, audience, user);
}

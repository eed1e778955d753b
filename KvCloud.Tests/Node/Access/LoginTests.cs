using System.Formats.Asn1;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using KvCloud.Node.Access;
using Microsoft.Extensions.Time.Testing;

namespace KvCloud.Tests.Node.Access;

/// <summary>What stands between a password, or a certificate, and who somebody is.</summary>
public sealed class LoginTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void PasswordHashing_verifies_the_password_and_no_other_and_salts_each_anew()
    {
        PasswordHash hash = PasswordHashing.Hash("correct horse", 1_000);

        Assert.True(PasswordHashing.Verify(hash, "correct horse"));
        Assert.False(PasswordHashing.Verify(hash, "correct horsf"));
        Assert.False(PasswordHashing.Verify(hash, ""));
        Assert.NotEqual(hash, PasswordHashing.Hash("correct horse", 1_000));
        Assert.False(PasswordHashing.Verify(hash with { Algorithm = 9 }, "correct horse"));
        Assert.DoesNotContain("correct", hash.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void LoginBackoff_waits_after_the_free_failures_for_twice_as_long_each_time_up_to_the_limit()
    {
        var backoff = new LoginBackoff(_time);
        var waits = new List<long>();
        for (int i = 0; i < LoginBackoff.FreeFailures + 8; i++)
        {
            backoff.NoteFailure("10.0.0.1");
            waits.Add(backoff.WaitMs("10.0.0.1"));
        }

        Assert.Equal(
            [0, 0, 0, 0, 0, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, LoginBackoff.MaxWaitMs, LoginBackoff.MaxWaitMs],
            waits);
        Assert.Equal(0, backoff.WaitMs("10.0.0.2"));
        _time.Advance(TimeSpan.FromMilliseconds(LoginBackoff.MaxWaitMs));
        Assert.Equal(0, backoff.WaitMs("10.0.0.1"));
        backoff.NoteSuccess("10.0.0.1");
        backoff.NoteFailure("10.0.0.1");
        Assert.Equal(0, backoff.WaitMs("10.0.0.1"));
    }

    [Fact]
    public void LoginBackoff_of_more_addresses_than_it_remembers_forgets_the_one_of_longest_ago()
    {
        var backoff = new LoginBackoff(_time);
        for (int i = 0; i <= LoginBackoff.FreeFailures; i++)
        {
            backoff.NoteFailure("first");
        }

        for (int i = 0; i < LoginBackoff.MaxAddresses; i++)
        {
            backoff.NoteFailure($"other {i}");
        }

        Assert.Equal(0, backoff.WaitMs("first"));
    }

    [Fact]
    public async Task TryRunAsync_more_than_may_wait_are_turned_away_and_no_more_run_than_may()
    {
        using var gate = new PasswordGate();
        using var go = new ManualResetEventSlim();
        int running = 0;
        int most = 0;
        var runs = Enumerable.Range(0, PasswordGate.MaxConcurrent + PasswordGate.MaxWaiting).Select(_ => gate
            .TryRunAsync(() =>
            {
                most = Math.Max(most, Interlocked.Increment(ref running));
                go.Wait();
                return Interlocked.Decrement(ref running);
            }).AsTask()).ToList();

        Assert.False((await gate.TryRunAsync(() => 0)).IsRun);
        go.Set();
        Assert.All(await Task.WhenAll(runs), run => Assert.True(run.IsRun));
        Assert.InRange(most, 1, PasswordGate.MaxConcurrent);
        Assert.True((await gate.TryRunAsync(() => 0)).IsRun);
    }

    [Fact]
    public void VerifiedPasswords_knows_what_was_right_for_a_while_and_not_for_another_record()
    {
        var verified = new VerifiedPasswords(_time);
        PasswordHash hash = PasswordHashing.Hash("a password", 1);
        verified.Note("ada", hash, "a password");

        Assert.True(verified.Knows("ada", hash, "a password"));
        Assert.False(verified.Knows("ada", hash, "another"));
        Assert.False(verified.Knows("bob", hash, "a password"));
        Assert.False(verified.Knows("ada", PasswordHashing.Hash("a password", 1), "a password"));
        _time.Advance(VerifiedPasswords.Lifetime);
        Assert.False(verified.Knows("ada", hash, "a password"));
    }

    [Theory]
    [InlineData("10.0.0.1", "10.0.0.1")]
    [InlineData("::ffff:10.0.0.1", "10.0.0.1")]
    [InlineData("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64")]
    public void Address_of_a_caller_is_the_network_whose_addresses_one_machine_may_have(string remote, string expected)
    {
        var caller = new Caller(new IPEndPoint(IPAddress.Parse(remote), 4711));

        Assert.Equal(expected, caller.Address);
        Assert.Contains("4711", caller.Remote, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("kvcloud://orders/users/ada", "ada")]
    [InlineData("kvcloud://other/users/ada", "")]
    [InlineData("kvcloud://orders/nodes/1", "")]
    [InlineData("kvcloud://orders/users/", "")]
    [InlineData("https://orders/users/ada", "")]
    public void CertificateLogin_is_the_user_that_the_certificate_names_in_this_cluster(string uri, string expected)
    {
        using X509Certificate2 certificate = CertificateOf(uri);

        Assert.Equal(expected, CertificateLogin.Of(certificate, "orders").Name);
        Assert.True(CertificateLogin.Of(null, "orders").IsAnonymous);
    }

    [Fact]
    public void CertificateLogin_of_two_users_in_one_certificate_is_nobody()
    {
        using X509Certificate2 certificate = CertificateOf("kvcloud://orders/users/ada", "kvcloud://orders/users/bob");

        Assert.True(CertificateLogin.Of(certificate, "orders").IsAnonymous);
    }

    private static X509Certificate2 CertificateOf(params string[] uris)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=somebody", key, HashAlgorithmName.SHA256);
        var names = new AsnWriter(AsnEncodingRules.DER);
        using (names.PushSequence())
        {
            names.WriteCharacterString(UniversalTagNumber.IA5String, "host", new Asn1Tag(TagClass.ContextSpecific, 2));
            foreach (string uri in uris)
            {
                names.WriteCharacterString(
                    UniversalTagNumber.IA5String, uri, new Asn1Tag(TagClass.ContextSpecific, 6));
            }
        }

        request.CertificateExtensions.Add(new X509Extension("2.5.29.17", names.Encode(), critical: false));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }
}

using KvCloud.Client;
using KvCloud.LocalCluster;
using KvCloud.Protocol;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Live;

/// <summary>
/// Three replicas that ask who calls, by TLS: a user is whom their certificate names, and `kv cert create-client` has
/// made it.
/// </summary>
[Collection(LiveCollection.Name)]
public sealed class CertificateLoginTests : IDisposable
{
    private const string AdminPassword = "the first password";

    private readonly LiveCertificates _certificates = new();
    private readonly TestCa _otherCa = new("Other CA");
    private readonly string _scratch = Directory.CreateTempSubdirectory("kvcloud-login-").FullName;

    public void Dispose()
    {
        _certificates.Dispose();
        _otherCa.Dispose();
        Directory.Delete(_scratch, recursive: true);
    }

    [Fact]
    public async Task Certificate_of_a_user_is_their_login_as_long_as_they_and_their_rights_are_there()
    {
        await using LiveCluster cluster = await LiveCluster.StartAsync(
            environment: Environment, certificates: _certificates);
        PemPair ada = await MakeAsync(_certificates.Ca, "ada");
        PemPair stranger = await MakeAsync(_otherCa, "ada");
        await using KvCloudClient admin = cluster.NewClient(settings =>
        {
            settings.TlsCertificate = settings.TlsKey = null;
            settings.User = "admin";
            settings.Password = AdminPassword;
        });
        await HasAdminAsync(admin);

        // The certificate is good, and its user is not there.
        await RefusedAsync(cluster, ada, "UNAUTHENTICATED", "a/1");
        await admin.ChangeAccessAsync(new KvAccessChange { Kind = AccessChangeKind.ADD_USER, Name = "ada" });
        await RefusedAsync(cluster, ada, "PERMISSION_DENIED: the right to write is missing", "a/1");
        await admin.ChangeAccessAsync(Grant(AccessChangeKind.GRANT_TO_USER));
        (int code, _, string told) = await SetAsync(cluster, ada, "a/1");
        Assert.True(code == 0, told);
        await RefusedAsync(cluster, ada, "PERMISSION_DENIED: the right to write is missing", "b/1");

        // Another CA's certificate of the same name is nobody's.
        (code, _, told) = await SetAsync(cluster, stranger, "a/1");
        Assert.NotEqual(0, code);
        Assert.DoesNotContain("PERMISSION_DENIED", told, StringComparison.Ordinal);
        await LoggedAsync(cluster, "is not of a CA that is trusted here");

        // On connections that stay open, rights end at once, and so does the user.
        await using KvCloudClient open = cluster.NewClient(settings =>
            (settings.TlsCertificate, settings.TlsKey) = (ada.Certificate, ada.Key));
        await open.SetAsync("a/2"u8.ToArray(), "1"u8.ToArray());
        await admin.ChangeAccessAsync(Grant(AccessChangeKind.REVOKE_FROM_USER));
        await RefusedAsync(open, ErrorCode.PERMISSION_DENIED);
        await admin.ChangeAccessAsync(Grant(AccessChangeKind.GRANT_TO_USER));
        await open.SetAsync("a/2"u8.ToArray(), "2"u8.ToArray());
        await admin.ChangeAccessAsync(new KvAccessChange { Kind = AccessChangeKind.REMOVE_USER, Name = "ada" });
        await RefusedAsync(open, ErrorCode.UNAUTHENTICATED);
        await RefusedAsync(cluster, ada, "UNAUTHENTICATED", "a/1");
    }

    private static IEnumerable<KeyValuePair<string, string?>> Environment(Replica replica) =>
    [
        new("KvCloud__Security__Authorization", "required"),
        new("KvCloud__Deployment__FeatureLevelDelayMs", "0"),
        new("KVCLOUD_ADMIN_PASSWORD", AdminPassword),
    ];

    private static KvAccessChange Grant(AccessChangeKind kind) => new()
    {
        Kind = kind,
        Name = "ada",
        Grant = new KvGrant { Rights = KvRights.Write, ColumnFamily = "default", KeyPrefix = "a/"u8.ToArray() },
    };

    private async Task<PemPair> MakeAsync(TestCa ca, string name)
    {
        string folder = Path.Combine(_scratch, ca == _otherCa ? "other" : "own");
        (int code, _, string told) = await KvProcess.RunAsync(
            "cert", "create-client", "--dir", ca.WriteAuthority(), "--cluster", TestCa.Cluster, "--name", name,
            "--out", folder);
        Assert.True(code == 0, told);
        return new PemPair(Path.Combine(folder, $"client_{name}.crt"), Path.Combine(folder, $"client_{name}.key"));
    }

    private static async Task HasAdminAsync(KvCloudClient admin)
    {
        long end = NowMs + 60_000;
        while (true)
        {
            try
            {
                await admin.GetAccessAsync();
                return;
            }
            catch (KvCloudException exception) when (NowMs < end)
            {
                Assert.NotEqual(ErrorCode.PERMISSION_DENIED, exception.ErrorCode);
                await Task.Delay(200);
            }
        }
    }

    private static long NowMs => System.Environment.TickCount64;

    private Task<(int Code, string Printed, string Told)> SetAsync(LiveCluster cluster, PemPair pair, string key) =>
        KvProcess.RunAsync(
            "set", key, "1", "--endpoints", string.Join(',', cluster.Endpoints), "--ca", _certificates.Bundle, "--cert",
            pair.Certificate, "--key", pair.Key);

    private async Task RefusedAsync(LiveCluster cluster, PemPair pair, string why, string key)
    {
        (int code, _, string told) = await SetAsync(cluster, pair, key);
        Assert.Equal(2, code);
        Assert.Contains(why, told, StringComparison.Ordinal);
    }

    private static async Task RefusedAsync(KvCloudClient client, ErrorCode why)
    {
        KvCloudException refusal = await Assert.ThrowsAsync<KvCloudException>(
            () => client.SetAsync("a/2"u8.ToArray(), "3"u8.ToArray()).AsTask());
        Assert.Equal(why, refusal.ErrorCode);
    }

    private static async Task LoggedAsync(LiveCluster cluster, string text)
    {
        for (int attempt = 0; attempt < 600; attempt++)
        {
            if (Enumerable.Range(0, cluster.Count).SelectMany(cluster.Processes.LogTail)
                .Any(line => line.Contains(text, StringComparison.Ordinal)))
            {
                return;
            }

            await Task.Delay(100);
        }

        Assert.Fail($"no replica has logged '{text}'");
    }
}

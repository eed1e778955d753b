using System.Runtime.Versioning;
using KvCloud.Cli;
using KvCloud.Cli.Configuration;
using KvCloud.Tests.Client;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Cli;

public sealed class KvConfigFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("kv-config-").FullName;

    private string File => Path.Combine(_folder, "kv", "config.toml");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Set_first_cluster_becomes_current_and_another_is_named()
    {
        await using var one = new ScriptedCluster(1);
        await using var two = new ScriptedCluster(1);
        Assert.Equal(0, (await KvAsync("config", "add", "one", "--endpoints", one.Endpoints)).Code);
        Assert.Equal(0, (await KvAsync("config", "add", "two", "--endpoints", two.Endpoints)).Code);

        Assert.Equal(0, (await KvAsync("set", "where", "one", "--cluster", "one")).Code);
        Assert.Equal(0, (await KvAsync("set", "where", "two", "--cluster", "two")).Code);
        KvRun list = await KvAsync("config", "list");
        Assert.Equal(
            $"cluster\tendpoints\tlogs in\ttls\none*\t{one.Endpoints}\t-\tno\ntwo\t{two.Endpoints}\t-\tno\n",
            list.Text);
        Assert.Equal("one\n", (await KvAsync("get", "where")).Text);

        Assert.Equal(0, (await KvAsync("config", "use", "two")).Code);
        Assert.Equal("two\n", (await KvAsync("get", "where")).Text);
        Assert.Equal("one\n", (await KvAsync("get", "where", "--endpoints", one.Endpoints)).Text);

        Assert.Equal(0, (await KvAsync("config", "remove", "one")).Code);
        KvRun gone = await KvAsync("get", "where", "--cluster", "one");
        Assert.Equal(2, gone.Code);
        Assert.Contains("there is no cluster 'one'", gone.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Set_login_and_certificates_are_kept_by_absolute_path_and_shown_without_secrets()
    {
        await KvAsync(
            "config", "add", "prod", "-e", "db:9090", "--user", "ada", "--password-file", "pw", "--ca", "ca.crt");

        KvRun shown = await KvAsync("config", "show", "prod");

        Assert.Contains($"password_file\t{Path.GetFullPath("pw")}\n", shown.Text, StringComparison.Ordinal);
        Assert.Contains($"ca\t{Path.GetFullPath("ca.crt")}\n", shown.Text, StringComparison.Ordinal);
        Assert.Contains("tls\tTrue\n", shown.Text, StringComparison.Ordinal);

        System.IO.File.AppendAllText(
            File, "\n[clusters.token]\nendpoints = \"db:9090\"\ntoken = \"kvt_very_secret\"\n");
        KvRun token = await KvAsync("config", "show", "token");
        Assert.Contains("token\tset\n", token.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", token.Text + token.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", (await KvAsync("config", "list", "--json")).Text, StringComparison.Ordinal);
    }

    [UnixFact]
    [UnsupportedOSPlatform("windows")]
    public async Task Load_file_that_others_may_read_or_write_is_refused_when_that_does_harm()
    {
        await KvAsync("config", "add", "a", "-e", "db:9090");
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite, System.IO.File.GetUnixFileMode(File));

        System.IO.File.SetUnixFileMode(File, (UnixFileMode)0b110_100_100);
        Assert.Equal(0, (await KvAsync("config", "list")).Code);

        System.IO.File.AppendAllText(File, "\n[clusters.t]\nendpoints = \"db:9090\"\ntoken = \"kvt_x\"\n");
        KvRun readable = await KvAsync("config", "list");
        Assert.Equal(2, readable.Code);
        Assert.Contains($"chmod 600 {File}", readable.Error, StringComparison.Ordinal);

        System.IO.File.SetUnixFileMode(File, (UnixFileMode)0b110_110_000);
        Assert.Contains($"chmod go-w {File}", (await KvAsync("config", "list")).Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("currant = \"a\"", "'currant' is not known")]
    [InlineData("current = \"a\"", "there is no cluster 'a'")]
    [InlineData("[clusters.a]\nendpoint = \"db:9090\"", "clusters.a.endpoint is not known; there are endpoints")]
    [InlineData("[clusters.a]\nuser = \"ada\"", "clusters.a has no endpoints")]
    [InlineData("[clusters.a]\nendpoints = 7", "clusters.a.endpoints must be a text")]
    [InlineData("[clusters.a]\nendpoints = \"x\"\nuser = \"u\"\ntoken = \"t\"", "has a user and a token")]
    [InlineData("[clusters.a", "line 1 is not valid TOML")]
    [InlineData("[clusters.\"a b\"]\nendpoints = \"x\"", "'a b' cannot name a cluster")]
    public void Load_wrong_file_says_what_is_wrong_and_where(string text, string expected)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(File)!);
        System.IO.File.WriteAllText(File, text);

        UsageException refused = Assert.Throws<UsageException>(() => KvConfigFile.Load(File));

        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
        Assert.Contains(File, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cluster_beside_endpoints_is_refused_so_that_no_login_goes_elsewhere()
    {
        await KvAsync("config", "add", "prod", "-e", "db:9090", "--user", "ada");

        KvRun run = await KvAsync("get", "a", "--cluster", "prod", "--endpoints", "127.0.0.1:1");

        Assert.Equal(2, run.Code);
        Assert.Contains("mutually exclusive", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ConfigCheckCommand_settings_are_judged_by_the_node_itself()
    {
        string good = Path.Combine(_folder, "good.toml");
        System.IO.File.WriteAllText(good, "[cluster]\nid = \"test\"\n");
        KvRun fine = await KvAsync("config", "check", good);
        Assert.True(fine.Code == 0, fine.Error);
        Assert.Contains("id = \"test\"", fine.Text, StringComparison.Ordinal);

        string bad = Path.Combine(_folder, "bad.toml");
        System.IO.File.WriteAllText(bad, "[cluster]\nidd = \"test\"\n[consensus]\nelection_timeout_ms = 1\n");
        KvRun wrong = await KvAsync("config", "check", bad);
        Assert.Equal(1, wrong.Code);
        Assert.Contains("idd", wrong.Error, StringComparison.Ordinal);
        Assert.Contains("election_timeout_ms", wrong.Error, StringComparison.Ordinal);
        Assert.Contains("2 mistakes", wrong.Error, StringComparison.Ordinal);

        Assert.Equal(2, (await KvAsync("config", "check", Path.Combine(_folder, "none.toml"))).Code);
    }

    private Task<KvRun> KvAsync(params string[] arguments) => KvRun.Async([.. arguments, "--kvconfig", File]);
}

using KvCloud.Node.Configuration;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Node.Configuration;

public sealed class SettingsCatalogTests : IDisposable
{
    /// <summary>Set to 1, the tests write the generated parts anew instead of comparing them.</summary>
    private const string RewriteVariable = "KVCLOUD_REWRITE_DOCS";

    private const string Begin = "<!-- settings: generated from KvCloud.Node/Configuration -->\n";
    private const string End = "<!-- end of settings -->";

    private readonly SettingsFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public void All_defaults_are_within_their_own_bounds()
    {
        NodeOptions defaults = new();
        foreach (Setting setting in SettingsCatalog.All.Where(setting => !setting.IsList))
        {
            if (setting.Text(defaults) is string text)
            {
                Assert.True(setting.TryParse(text.Trim('"'), out object? value), setting.Path);
                Assert.Equal(setting.Get(defaults), value);
            }
        }
    }

    [Fact]
    public void All_numbers_have_bounds()
    {
        Assert.DoesNotContain(
            SettingsCatalog.All,
            setting => setting.Bounds is null
                && (setting.ValueType == typeof(int)
                    || setting.ValueType == typeof(long) || setting.ValueType == typeof(double)));
    }

    [Fact]
    public void ToMarkdown_of_every_setting_is_in_the_documentation()
    {
        string path = Repository.File("docs", "configuration.md");
        string page = File.ReadAllText(path);
        int begin = page.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length;
        int end = page.IndexOf(End, StringComparison.Ordinal);
        Assert.True(begin > Begin.Length && end > begin, "docs/configuration.md lacks the marks of its generated part");
        string expected = $"\n{SettingsCatalog.ToMarkdown()}";
        if (Environment.GetEnvironmentVariable(RewriteVariable) == "1")
        {
            File.WriteAllText(path, page[..begin] + expected + page[end..]);
            return;
        }

        Assert.True(
            page[begin..end] == expected,
            $"docs/configuration.md is stale: run this test once with {RewriteVariable}=1 and commit the result");
    }

    [Fact]
    public void ToExampleToml_of_every_setting_has_its_default_and_is_the_example_file()
    {
        string path = Repository.File("kvcloud.example.toml");
        string file = File.ReadAllText(path);
        int body = file.IndexOf("\n\n", StringComparison.Ordinal) + 1;
        if (Environment.GetEnvironmentVariable(RewriteVariable) == "1")
        {
            File.WriteAllText(path, file[..body] + SettingsCatalog.ToExampleToml());
            return;
        }

        Assert.True(
            file[body..] == SettingsCatalog.ToExampleToml(),
            $"kvcloud.example.toml is stale: run this test once with {RewriteVariable}=1 and commit the result");
        SettingsResult result = _fixture.Load(file);
        Assert.Empty(result.Mistakes);
        Assert.Empty(EffectiveSettings.Changed(result));
        Assert.Equal(Values(_fixture.Load()), Values(result));
    }

    [Fact]
    public void AsToml_of_a_secret_tells_that_it_is_set_and_never_shows_it()
    {
        SettingsResult result = _fixture.Load("[security]\nauth_token = \"hunter2\"\n");

        Assert.Equal("hunter2", result.Options.Security.AuthToken);
        Assert.DoesNotContain(EffectiveSettings.AsToml(result), line => line.Contains("hunter2"));
        Assert.Equal(["security.auth_token = (set, not shown)"], EffectiveSettings.Changed(result));
    }

    [Fact]
    public void AsToml_of_any_options_loads_to_the_same()
    {
        SettingsResult first = _fixture.Load(SettingsFixture.Architecture);

        SettingsResult again = _fixture.Load(string.Join('\n', EffectiveSettings.AsToml(first)));

        Assert.Empty(again.Mistakes);
        Assert.Equal(Values(first), Values(again));
    }

    [Fact]
    public void Changed_from_the_defaults_is_told_and_is_no_part_of_the_identity()
    {
        SettingsResult result = _fixture.Load(
            """
            [deployment]
            mode = "replicated"
            instance_id = 1
            replica_endpoints = ["a:9090", "b:9091", "c:9092"]
            write_routing = "forward"
            [cluster]
            id = "mine"
            [database]
            base_path = "/data"
            [listen]
            address = "*"
            [consensus]
            election_timeout_ms = 800
            heartbeat_interval_ms = 50
            """);

        Assert.Empty(result.Mistakes);
        Assert.Equal(
            ["deployment.write_routing = \"forward\"", "consensus.election_timeout_ms = 800"],
            EffectiveSettings.Changed(result));
    }

    private static IEnumerable<string> Values(SettingsResult result) =>
        SettingsCatalog.All.Select(setting => $"{setting.Path} = {setting.Text(result.Options)}");
}

using System.Text.RegularExpressions;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Architecture;

/// <summary>What CONTRIBUTING.md and SECURITY.md name is there.</summary>
public sealed partial class ContributingTests
{
    private const UnixFileMode AnyExecute =
        UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    [Theory]
    [InlineData("CONTRIBUTING.md")]
    [InlineData("SECURITY.md")]
    public void Page_page_names_files_and_folders_that_exist(string page)
    {
        string[] missing =
        [
            .. Quoted(page).Where(text => OfThisRepository().IsMatch(text)).Where(path => !Exists(path)),
        ];

        Assert.Empty(missing);
    }

    [Fact]
    public void Script_that_is_named_exists()
    {
        string[] commands =
        [
            .. Quoted("CONTRIBUTING.md")
                .SelectMany(text => Command().Matches(text))
                .Select(match => match.Value)
                .Distinct(),
        ];

        Assert.Contains(".ci/run", commands);
        Assert.DoesNotContain(commands, command => !File.Exists(Repository.File(command.Split('/'))));
    }

    [Fact]
    public void Script_in_the_folder_or_in_the_table_is_in_both()
    {
        string[] listed =
        [
            .. File.ReadLines(Repository.File("CONTRIBUTING.md"))
                .Select(line => CommandRow().Match(line))
                .Where(match => match.Success)
                .Select(match => match.Groups[1].Value)
                .Order(StringComparer.Ordinal),
        ];

        Assert.Equal(Scripts(), listed);
    }

    [Fact]
    public void Script_of_the_folder_can_be_executed()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        foreach (string name in Scripts())
        {
            UnixFileMode mode = File.GetUnixFileMode(Repository.File("eng", name));
            Assert.True((mode & AnyExecute) != UnixFileMode.None, $"eng/{name} cannot be executed");
        }
    }

    [Fact]
    public void Script_that_checks_the_format_has_the_arguments_of_ci()
    {
        const string Arguments = "--no-restore --severity warn --exclude KvCloud.Protocol/Generated";

        Assert.Contains(Arguments, File.ReadAllText(Repository.File(".ci", "run")), StringComparison.Ordinal);
        Assert.Contains(Arguments, File.ReadAllText(Repository.File("eng", "format")), StringComparison.Ordinal);
    }

    [Fact]
    public void Page_that_filters_the_tests_of_settings_names_a_test_class() =>
        Assert.Contains(
            $"FullyQualifiedName~{nameof(Node.Configuration.SettingsCatalogTests)}",
            File.ReadAllText(Repository.File("CONTRIBUTING.md")),
            StringComparison.Ordinal);

    /// <summary>All of eng/ that somebody can run.</summary>
    private static IEnumerable<string> Scripts() =>
        Directory.EnumerateFiles(Repository.File("eng"))
            .Select(path => Path.GetFileName(path))
            .Where(name => Path.GetExtension(name) is not (".targets" or ".png"))
            .Order(StringComparer.Ordinal);

    private static IEnumerable<string> Quoted(string page) =>
        InBackticks().Matches(File.ReadAllText(Repository.File(page))).Select(match => match.Groups[1].Value);

    private static bool Exists(string path)
    {
        string full = Repository.File(path.TrimEnd('/').Split('/'));
        return File.Exists(full) || Directory.Exists(full);
    }

    [GeneratedRegex("`([^`\n]+)`")]
    private static partial Regex InBackticks();

    /// <summary>A path below one of the folders, or one of the files at the top.</summary>
    [GeneratedRegex(
        @"^(KvCloud\.\w+(\.\w+)?/|docs/|deploy/|eng/|\.devcontainer/)[\w./-]*$"
        + @"|^\.editorconfig$|^[\w.]+\.(toml|props|md|json)$")]
    private static partial Regex OfThisRepository();

    [GeneratedRegex(@"(?<![\w/])(eng/[\w.-]+|\.ci/\w+)")]
    private static partial Regex Command();

    [GeneratedRegex(@"^\| `eng/([\w.-]+)` \|")]
    private static partial Regex CommandRow();
}

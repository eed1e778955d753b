using System.Text.RegularExpressions;
using KvCloud.Tests.Support;
using Tomlyn;
using Tomlyn.Model;

namespace KvCloud.Tests.Architecture;

/// <summary>
/// The examples of eng/recipes fit the sources and the recipes of CONTRIBUTING.md. That the recipes work, eng/recipes
/// shows.
/// </summary>
public sealed partial class RecipeTests
{
    private static readonly Edit[] Edits =
    [
        .. ((TomlTableArray)TomlSerializer.Deserialize<TomlTable>(
            File.ReadAllText(Repository.File("eng", "recipes.d", "recipes.toml")))!["edit"]).Select(Read),
    ];

    public static TheoryData<int> Indexes => new(Enumerable.Range(0, Edits.Length));

    [Theory]
    [MemberData(nameof(Indexes))]
    public void Recipe_edit_finds_its_place_exactly_once(int index)
    {
        Edit edit = Edits[index];
        string source = File.ReadAllText(Repository.File(edit.File));

        int found = source.Split(edit.Anchor).Length - 1;

        Assert.True(found == 1, $"{edit.File} holds {found} times: {edit.Anchor}");
    }

    [Theory]
    [MemberData(nameof(Indexes))]
    public void Recipe_step_names_the_file_that_is_edited(int index)
    {
        Edit edit = Edits[index];

        Assert.True(Steps(edit.Recipe).TryGetValue(edit.Step, out string? step), $"{edit.Recipe} has no such step");
        Assert.True(
            edit.IsOfTheUser || step.Contains($"`{edit.File}`", StringComparison.Ordinal),
            $"step {edit.Step} of '{edit.Recipe}' does not name {edit.File}");
    }

    [Fact]
    public void Recipe_steps_are_all_walked()
    {
        string script = File.ReadAllText(Repository.File("eng", "recipes"));
        string[] recipes = [.. Recipe().Matches(Page()).Select(match => match.Groups["name"].Value)];

        Assert.Equal(recipes.Order(), Edits.Select(edit => edit.Recipe).Distinct().Order());
        Assert.All(recipes, recipe =>
        {
            Assert.Contains($"\"{recipe}\"", script, StringComparison.Ordinal);
            Assert.Equal(
                Steps(recipe).Keys.Order(),
                Edits.Where(edit => edit.Recipe == recipe).Select(edit => edit.Step).Distinct().Order());
        });
    }

    /// <summary>What to run, word for word.</summary>
    [Fact]
    public void Recipe_command_is_run_as_it_is_written()
    {
        string script = File.ReadAllText(Repository.File("eng", "recipes"));
        IEnumerable<string> commands = Recipe().Matches(Page())
            .SelectMany(match => Steps(match.Groups["name"].Value).Values)
            .SelectMany(step => Command().Matches(step))
            .Select(match => match.Groups["command"].Value);

        Assert.All(commands, command => Assert.Contains($" {command}\n", script, StringComparison.Ordinal));
    }

    private static string Page() => File.ReadAllText(Repository.File("CONTRIBUTING.md"));

    /// <summary>The numbered steps of a recipe.</summary>
    private static Dictionary<int, string> Steps(string recipe)
    {
        string text = Recipe().Matches(Page()).Single(match => match.Groups["name"].Value == recipe)
            .Groups["steps"].Value;
        return Step().Matches(text).ToDictionary(
            match => int.Parse(match.Groups["number"].Value, System.Globalization.CultureInfo.InvariantCulture),
            match => match.Groups["text"].Value);
    }

    private static Edit Read(TomlTable table)
    {
        string[] ways = ["after", "before", "find"];
        string anchor = (string)table[ways.Single(table.ContainsKey)];
        return new Edit(
            (string)table["recipe"],
            Convert.ToInt32(table["step"], System.Globalization.CultureInfo.InvariantCulture),
            (string)table["file"],
            anchor,
            table.ContainsKey("user"));
    }

    [GeneratedRegex(
        @"^## (?<name>Add a [^\n]+)\n(?<steps>.*?)(?=^## )", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Recipe();

    [GeneratedRegex(
        @"^(?<number>\d+)\. (?<text>.*?)(?=^\d+\. |\z)", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Step();

    [GeneratedRegex(@"`(?<command>([A-Z_]+=\d )?eng/[^`]+)`")]
    private static partial Regex Command();

    /// <param name="Anchor">What it looks for in the file.</param>
    /// <param name="IsOfTheUser">Whether it changes the code that the example serves, which no recipe can name.</param>
    private sealed record Edit(string Recipe, int Step, string File, string Anchor, bool IsOfTheUser);
}

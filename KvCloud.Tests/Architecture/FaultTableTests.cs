using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using KvCloud.Tests.Simulation;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Architecture;

/// <summary>The table of known faults in docs/testing.md names tests that are there.</summary>
public sealed partial class FaultTableTests
{
    private const string Heading = "## Known faults";

    private const BindingFlags Any = BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public
        | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    private static readonly Type[] Types = typeof(FaultTableTests).Assembly.GetTypes();

    [Fact]
    public void Page_of_known_faults_numbers_them_and_each_has_a_test_or_a_gap()
    {
        string[][] rows = Rows();

        Assert.NotEmpty(rows);
        Assert.Equal(
            Enumerable.Range(1, rows.Length),
            rows.Select(row => int.Parse(row[0], NumberStyles.None, CultureInfo.InvariantCulture)));
        Assert.All(rows, row => Assert.Equal(4, row.Length));
        Assert.All(
            rows,
            row => Assert.True(
                Names(row).Any() || row[^1].Contains("No test", StringComparison.Ordinal),
                $"fault {row[0]} has neither a test nor a gap"));
    }

    [Fact]
    public void Page_of_known_faults_names_tests_that_exist()
    {
        string[] unknown =
        [
            .. Rows().SelectMany(row => Names(row).Where(name => !Exists(name)).Select(name => $"{row[0]}: {name}")),
        ];

        Assert.Empty(unknown);
    }

    /// <summary>
    /// A class, a method of one, a transcript, a sabotage or a mutation. Where two classes have one name, a part of the
    /// namespace stands before it.
    /// </summary>
    private static bool Exists(string name)
    {
        if (name.EndsWith(".txt", StringComparison.Ordinal))
        {
            return File.Exists(Repository.File("KvCloud.Tests", "Consensus", "Transcripts", name));
        }

        int dot = name.LastIndexOf('.');
        string before = dot < 0 ? "" : name[..dot];
        string last = name[(dot + 1)..];
        return before switch
        {
            nameof(Sabotage) => Enum.GetNames<Sabotage>().Contains(last),
            "Mutation" => CodeMutation.Load().Any(mutation => mutation.Name == last),
            _ => Types.Any(type => IsNamed(type, name))
                || Types.Any(type => IsNamed(type, before) && type.GetMethods(Any).Any(method => method.Name == last)),
        };
    }

    private static bool IsNamed(Type type, string name) =>
        name.Length > 0 && $".{type.FullName}".EndsWith($".{name}", StringComparison.Ordinal);

    /// <summary>What stands in backticks in the last column.</summary>
    private static IEnumerable<string> Names(string[] row) =>
        Quoted().Matches(row[^1]).Select(match => match.Groups[1].Value);

    /// <summary>The cells of each fault, without the two lines of the table's head.</summary>
    private static string[][] Rows() =>
    [
        .. File.ReadLines(Repository.File("docs", "testing.md"))
            .SkipWhile(line => line != Heading)
            .Skip(1)
            .TakeWhile(line => !line.StartsWith("## ", StringComparison.Ordinal))
            .Where(line => line.StartsWith('|'))
            .Skip(2)
            .Select(line => line.Trim().Trim('|').Split('|', StringSplitOptions.TrimEntries)),
    ];

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Quoted();
}

using System.Text.RegularExpressions;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Architecture;

/// <summary>
/// The pages that lead through the code name files that are there: whoever moves a file corrects them.
/// </summary>
public sealed partial class TourTests
{
    [Theory]
    [InlineData("docs/tour.md", 40)]
    [InlineData("docs/glossary.md", 40)]
    [InlineData("docs/comparison.md", 15)]
    public void Page_that_leads_through_the_code_names_files_that_exist(string page, int atLeast)
    {
        string[] named = [.. Paths(page).Distinct()];

        Assert.True(named.Length >= atLeast, $"{page} names {named.Length} files");
        Assert.DoesNotContain(named, path => !File.Exists(Repository.File(path.Split('/'))));
    }

    /// <summary>A newcomer follows a write in about fifteen files; one more is a question to the design.</summary>
    [Fact]
    public void Page_steps_of_a_write_are_seventeen_files_at_most()
    {
        string tour = File.ReadAllText(Repository.File("docs", "tour.md"));
        int start = tour.IndexOf("## A write", StringComparison.Ordinal);
        int end = tour.IndexOf("## A linearizable read", StringComparison.Ordinal);
        string write = tour[start..end];
        string[] steps = [.. StepOfAWrite().Matches(write).Select(match => match.Groups[1].Value)];

        Assert.InRange(steps.Length, 10, 17);
        Assert.Equal(steps.Length, steps.Distinct().Count());
        Assert.Equal(steps.Length, write.Split('\n').Count(line => line.Length > 0 && char.IsAsciiDigit(line[0])));
    }

    private static IEnumerable<string> Paths(string page) =>
        FileOfThisRepository().Matches(File.ReadAllText(Repository.File(page.Split('/'))))
            .Select(match => match.Groups[1].Value);

    [GeneratedRegex(@"^\d+\. \*\*`(KvCloud\.[^`]+)`\*\*", RegexOptions.Multiline)]
    private static partial Regex StepOfAWrite();

    [GeneratedRegex(@"`(KvCloud\.[\w.]+/[\w./]+\.\w+)`")]
    private static partial Regex FileOfThisRepository();
}

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

    private static IEnumerable<string> Paths(string page) =>
        FileOfThisRepository().Matches(File.ReadAllText(Repository.File(page.Split('/'))))
            .Select(match => match.Groups[1].Value);

    [GeneratedRegex(@"`(KvCloud\.[\w.]+/[\w./]+\.\w+)`")]
    private static partial Regex FileOfThisRepository();
}

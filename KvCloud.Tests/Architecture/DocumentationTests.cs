using System.Text.RegularExpressions;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Architecture;

/// <summary>Links between the pages lead somewhere, and a decision says what a reader of decisions looks for.</summary>
public sealed partial class DocumentationTests
{
    private static readonly string[] DecisionHeadings = ["## Context", "## Decision", "## Alternatives", "## Figures"];

    [Fact]
    public void Page_with_links_leads_to_files_and_headings_that_exist()
    {
        string[] broken = [.. Pages().SelectMany(page => BrokenLinksOf(page))];

        Assert.Empty(broken);
    }

    [Fact]
    public void Decision_of_any_number_has_status_date_and_all_headings()
    {
        string[] incomplete =
        [
            .. Decisions().SelectMany(
                path => MissingIn(path).Select(missing => $"{Path.GetFileName(path)}: {missing}")),
        ];

        Assert.Empty(incomplete);
    }

    [Fact]
    public void Decision_beside_the_others_has_a_number_of_its_own()
    {
        IEnumerable<string> twice = Decisions()
            .GroupBy(path => Path.GetFileName(path)[..4])
            .Where(same => same.Count() > 1)
            .Select(same => same.Key);

        Assert.Empty(twice);
    }

    private static IEnumerable<string> Decisions() =>
        Directory.EnumerateFiles(Repository.File("docs", "adr"), "????-*.md");

    private static IEnumerable<string> MissingIn(string path)
    {
        string[] lines = File.ReadAllLines(path);
        if (!lines.Any(line => line.StartsWith("- Status: ", StringComparison.Ordinal)))
        {
            yield return "- Status: ";
        }

        if (!lines.Any(line => DateLine().IsMatch(line)))
        {
            yield return "- Date: yyyy-mm-dd";
        }

        foreach (string heading in DecisionHeadings.Except(lines))
        {
            yield return heading;
        }
    }

    private static IEnumerable<string> Pages() =>
        Directory.EnumerateFiles(Repository.File(), "*.md")
            .Concat(Directory.EnumerateFiles(Repository.File("docs"), "*.md", SearchOption.AllDirectories));

    private static IEnumerable<string> BrokenLinksOf(string page)
    {
        string directory = Path.GetDirectoryName(page)!;
        foreach (Match link in RelativeLink().Matches(File.ReadAllText(page)))
        {
            string file = link.Groups["file"].Value;
            string target = file.Length == 0 ? page : Path.GetFullPath(Path.Combine(directory, file));
            string anchor = link.Groups["anchor"].Value;
            if (!File.Exists(target) && !Directory.Exists(target))
            {
                yield return $"{Path.GetFileName(page)}: {link.Value}";
            }
            else if (anchor.Length > 0 && !AnchorsOf(target).Contains(anchor))
            {
                yield return $"{Path.GetFileName(page)}: {link.Value} has no such heading";
            }
        }
    }

    /// <summary>Headings as GitHub makes anchors of them.</summary>
    private static IEnumerable<string> AnchorsOf(string page) =>
        File.ReadLines(page)
            .Where(line => line.StartsWith('#'))
            .Select(line => line.TrimStart('#').Trim().ToLowerInvariant())
            .Select(heading => NotOfAnAnchor().Replace(heading, "").Replace(' ', '-'));

    [GeneratedRegex(@"\]\((?!https?:|mailto:)(?<file>[^)#\s]*)(#(?<anchor>[^)\s]+))?\)")]
    private static partial Regex RelativeLink();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NotOfAnAnchor();

    [GeneratedRegex(@"^- Date: \d{4}-\d{2}-\d{2}$")]
    private static partial Regex DateLine();
}

using System.Text.RegularExpressions;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Deployment.Monitoring;

/// <summary>docs/runbooks has a page for each alert and for nothing else, and each says what to do.</summary>
public sealed partial class RunbookTests
{
    private static readonly string[] Headings =
        ["## What it means", "## What to look at", "## What to do", "## When it is over"];

    [Fact]
    public void Runbook_of_any_alert_is_there_and_none_is_of_an_alert_that_is_not()
    {
        IEnumerable<string> pages = Directory.EnumerateFiles(Repository.File("docs", "runbooks"))
            .Select(file => Path.GetRelativePath(Repository.File(), file).Replace('\\', '/'));

        Assert.Equal(
            AlertRule.All.Select(rule => rule.Notes["runbook_url"]).Order(StringComparer.Ordinal),
            pages.Order(StringComparer.Ordinal));
        Assert.All(
            AlertRule.All, rule => Assert.Equal($"docs/runbooks/{rule.Name}.md", rule.Notes["runbook_url"]));
    }

    [Fact]
    public void Runbook_of_any_alert_has_its_name_its_urgency_and_all_headings()
    {
        foreach (AlertRule rule in AlertRule.All)
        {
            string[] lines = File.ReadAllLines(Repository.File(rule.Notes["runbook_url"]));
            Assert.Equal($"# {rule.Name}", lines[0]);
            Assert.StartsWith(rule.Severity, lines[2], StringComparison.OrdinalIgnoreCase);
            Assert.Equal(Headings, lines.Where(line => line.StartsWith("## ", StringComparison.Ordinal)));
        }
    }

    [Fact]
    public void Runbook_of_any_alert_is_linked_from_the_table_with_its_severity_and_summary()
    {
        string page = File.ReadAllText(Repository.File("docs", "observability.md"));

        Assert.Equal(
            AlertRule.All.Select(rule => (rule.Name, rule.Severity)).Order(),
            Row().Matches(page).Select(row => (row.Groups["name"].Value, row.Groups["severity"].Value)).Order());
    }

    [GeneratedRegex(
        @"^\| \[(?<name>KvCloud\w+)\]\(runbooks/\k<name>\.md\) \| (?<severity>critical|warning) \| [^|]+ \|$",
        RegexOptions.Multiline)]
    private static partial Regex Row();
}

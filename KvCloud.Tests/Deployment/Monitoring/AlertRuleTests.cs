using KvCloud.Tests.Support;

namespace KvCloud.Tests.Deployment.Monitoring;

/// <summary>deploy/prometheus, as promtool reads it, against the metrics that a node has.</summary>
public sealed class AlertRuleTests
{
    [FactNeeds("promtool")]
    public async Task AlertRule_of_any_name_is_accepted_by_promtool() => Assert.Contains(
        $"SUCCESS: {AlertRule.All.Count} rules found",
        await ToolRun.OutputAsync("promtool", "check", "rules", AlertRule.RulesFile));

    [FactNeeds("promtool")]
    public async Task AlertRule_in_each_case_of_its_tests_fires_or_is_quiet_as_they_say() => Assert.Contains(
        "SUCCESS", await ToolRun.OutputAsync("promtool", "test", "rules", AlertRule.TestsFile));

    [Fact]
    public void AlertRule_of_any_name_fires_in_a_case_of_the_tests() => Assert.Equal(
        AlertRule.All.Select(rule => rule.Name).Order(StringComparer.Ordinal),
        AlertRule.Expected.Distinct().Order(StringComparer.Ordinal));

    [Fact]
    public void AlertRule_of_any_name_asks_for_metrics_that_a_node_has()
    {
        Assert.All(AlertRule.All, rule => Assert.NotEmpty(MetricNames.UsedIn(rule.Query)));
        Assert.Empty(AlertRule.All.SelectMany(
            rule => MetricNames.UnknownIn(rule.Query).Select(name => $"{rule.Name}: {name}")));
    }

    [Fact]
    public void AlertRule_of_any_name_says_how_urgent_it_is_and_what_it_means()
    {
        Assert.All(AlertRule.All, rule =>
        {
            Assert.StartsWith("KvCloud", rule.Name);
            Assert.Contains(rule.Severity, (string[])["critical", "warning"]);
            Assert.NotEmpty(rule.Notes["summary"]);
            Assert.EndsWith(".", rule.Notes["description"]);
        });
        Assert.Equal(AlertRule.All.Count, AlertRule.All.Select(rule => rule.Name).Distinct().Count());
    }
}

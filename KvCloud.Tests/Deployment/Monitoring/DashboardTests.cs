using System.Text.Json.Nodes;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Deployment.Monitoring;

/// <summary>deploy/grafana against the metrics that a node has; a live test sees that queries return data.</summary>
public sealed class DashboardTests : IDisposable
{
    private readonly string _scratch = Directory.CreateTempSubdirectory("kvcloud-dashboard-").FullName;

    public void Dispose() => Directory.Delete(_scratch, recursive: true);

    [Fact]
    public void Dashboard_query_of_any_kind_asks_for_metrics_that_a_node_has()
    {
        (string Name, string Query)[] all = [.. Dashboard.Queries, .. Dashboard.Annotations, .. Dashboard.Variables];

        Assert.All(all, query => Assert.NotEmpty(MetricNames.UsedIn(query.Query)));
        Assert.Empty(all.SelectMany(
            query => MetricNames.UnknownIn(query.Query).Select(name => $"{query.Name}: {name}")));
    }

    /// <summary>promtool checks rules only, so each query becomes one.</summary>
    [FactNeeds("promtool")]
    public async Task Dashboard_query_of_any_kind_is_accepted_by_promtool()
    {
        string file = Path.Combine(_scratch, "queries.yml");
        var rules = new JsonArray();
        foreach ((_, string query) in Dashboard.Queries.Concat(Dashboard.Annotations).Concat(Dashboard.Variables))
        {
            rules.Add(new JsonObject
            {
                ["record"] = $"query{rules.Count}",
                ["expr"] = Dashboard.Resolve(query, "kvcloud", "1m"),
            });
        }

        var groups = new JsonObject
        {
            ["groups"] = new JsonArray(new JsonObject { ["name"] = "dashboard", ["rules"] = rules }),
        };
        await File.WriteAllTextAsync(file, groups.ToJsonString());

        Assert.Contains(
            $"SUCCESS: {rules.Count} rules found", await ToolRun.OutputAsync("promtool", "check", "rules", file));
    }

    [Fact]
    public void Dashboard_panel_of_any_title_says_what_it_shows_in_which_unit() =>
        Assert.All(Dashboard.Panels, panel =>
        {
            Assert.NotEmpty(Dashboard.Text(panel["title"]));
            Assert.EndsWith(".", Dashboard.Text(panel["description"]));
            Assert.Equal("${datasource}", Dashboard.Text(panel["datasource"]!["uid"]));
            if (Dashboard.Text(panel["type"]) != "state-timeline")
            {
                Assert.NotEmpty(Dashboard.Text(panel["fieldConfig"]!["defaults"]!["unit"]));
            }
        });

    [Fact]
    public void Dashboard_panel_beside_the_others_has_an_id_and_a_place_of_its_own()
    {
        JsonArray all = Dashboard.Json["panels"]!.AsArray();
        Assert.Equal(all.Count, all.Select(panel => (int)panel!["id"]!).Distinct().Count());

        var cells = new HashSet<(int X, int Y)>();
        foreach (JsonNode place in all.Select(panel => panel!["gridPos"]!))
        {
            foreach (int x in Enumerable.Range((int)place["x"]!, (int)place["w"]!))
            {
                Assert.InRange(x, 0, 23);
                Assert.All(
                    Enumerable.Range((int)place["y"]!, (int)place["h"]!),
                    y => Assert.True(cells.Add((x, y)), $"column {x}, line {y} is covered twice"));
            }
        }
    }
}

using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using KvCloud.Client;
using KvCloud.Node.Diagnostics;
using KvCloud.Tests.Support;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace KvCloud.Tests.Node.Diagnostics;

/// <summary>
/// Every line that a node or the client library logs has a number of its own, which docs/observability.md lists.
/// KVCLOUD_REWRITE_DOCS=1 writes the table.
/// </summary>
public sealed partial class EventIdTests
{
    private static readonly LoggerMessageAttribute[] Events =
    [
        .. new[] { typeof(NodeLogging).Assembly, typeof(ParentWatch).Assembly, typeof(KvCloudClient).Assembly }
            .SelectMany(assembly => assembly.GetTypes())
            .SelectMany(type => type.GetMethods(
                BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic
                | BindingFlags.DeclaredOnly))
            .Select(method => method.GetCustomAttribute<LoggerMessageAttribute>())
            .OfType<LoggerMessageAttribute>()
            .OrderBy(line => line.EventId),
    ];

    [Fact]
    public void NodeLogging_event_of_any_kind_has_a_number_of_its_own()
    {
        Assert.True(Events.Length > 50, $"only {Events.Length} were found");
        Assert.DoesNotContain(Events, line => line.EventId <= 0);
        Assert.Empty(Events.GroupBy(line => line.EventId).Where(same => same.Count() > 1).Select(same => same.Key));
    }

    [Fact]
    public void NodeLogging_event_of_any_kind_is_in_the_documentation_with_its_number()
    {
        string path = Repository.File("docs", "observability.md");
        string page = File.ReadAllText(path);
        string table = string.Concat(Events.Select(RowOf).Prepend("| id | level | line |\n| --- | --- | --- |\n"));
        if (Environment.GetEnvironmentVariable("KVCLOUD_REWRITE_DOCS") == "1")
        {
            page = Table().Replace(page, match => $"{match.Groups["begin"]}\n{table}\n{match.Groups["end"]}");
            File.WriteAllText(path, page);
        }

        Assert.Equal(table.Trim(), Table().Match(page).Groups["table"].Value.Trim());
    }

    private static string RowOf(LoggerMessageAttribute line) => string.Create(
        CultureInfo.InvariantCulture,
        $"| {line.EventId} | {LevelOf(line.Level)} | `{line.Message}` |\n");

    private static string LevelOf(LogLevel level) => level switch
    {
        LogLevel.Information => "info",
        LogLevel.Warning => "warn",
        LogLevel.Critical => "fatal",
        _ => level.ToString().ToLowerInvariant(),
    };

    [GeneratedRegex(
        @"(?<begin><!-- event ids: [^\n]*-->)\n(?<table>.*?)(?<end><!-- end of event ids -->)",
        RegexOptions.Singleline)]
    private static partial Regex Table();
}

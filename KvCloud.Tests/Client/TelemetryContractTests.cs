using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using KvCloud.Client;
using KvCloud.Client.Diagnostics;
using KvCloud.Client.Wire;
using KvCloud.Tests.Support;
using Microsoft.Extensions.Logging;

namespace KvCloud.Tests.Client;

/// <summary>
/// The names in docs/client.md and in the package's readme are those the client uses, all of them and no others.
/// </summary>
public sealed partial class TelemetryContractTests
{
    private static readonly string Page = File.ReadAllText(Repository.File("docs", "client.md"));

    [Theory]
    [InlineData("docs", "client.md")]
    [InlineData("KvCloud.Client", "README.md")]
    public void ClientTelemetry_instruments_are_those_of_the_table(string folder, string file)
    {
        SortedSet<string> published = new(StringComparer.Ordinal);
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter.Name == ClientTelemetry.Name)
                {
                    string kind = instrument.GetType().Name.Split('`')[0].ToLowerInvariant();
                    published.Add($"{instrument.Name} {kind} {instrument.Unit}");
                    Assert.NotEmpty(instrument.Description!);
                    Assert.False(instrument is Histogram<double> { Advice: null }, $"{instrument.Name}: no bounds");
                }
            },
        };
        RuntimeHelpers.RunClassConstructor(typeof(ClientTelemetry).TypeHandle);
        listener.Start();

        string text = File.ReadAllText(Repository.File(folder, file));
        Assert.Equal(
            InstrumentRow().Matches(text)
                .Select(row => $"{row.Groups["name"].Value} {row.Groups["kind"].Value} {row.Groups["unit"].Value}")
                .Order(StringComparer.Ordinal),
            published);
        Assert.Contains($"`{ClientTelemetry.Name}`", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ClientTelemetry_tags_of_instruments_are_those_of_the_table()
    {
        var documented = InstrumentRow().Matches(Page).ToDictionary(
            row => row.Groups["name"].Value,
            row => Backticked().Matches(row.Groups["tags"].Value).Select(tag => tag.Groups[1].Value).Order().ToArray());
        var seen = new ConcurrentDictionary<string, string[]>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Name == ClientTelemetry.Name)
                {
                    self.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<double>((instrument, _, tags, _) => Note(instrument, tags));
        listener.SetMeasurementEventCallback<long>((instrument, _, tags, _) => Note(instrument, tags));
        listener.Start();

        await UseAsync();

        Assert.Contains("kvcloud.client.call.duration", seen.Keys);
        Assert.Contains("kvcloud.client.retries", seen.Keys);
        Assert.Contains("kvcloud.client.transaction.duration", seen.Keys);
        Assert.All(seen, pair => Assert.Equal(documented[pair.Key], pair.Value));

        void Note(Instrument instrument, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var names = new List<string>();
            foreach (KeyValuePair<string, object?> tag in tags)
            {
                names.Add(tag.Key);
            }

            seen[instrument.Name] = [.. names.Order()];
        }
    }

    [Fact]
    public async Task ClientTelemetry_activities_and_their_tags_are_those_of_the_tables()
    {
        var names = new ConcurrentDictionary<string, bool>();
        var tags = new ConcurrentDictionary<string, bool>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == ClientTelemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity =>
            {
                names[activity.OperationName] = true;
                foreach (KeyValuePair<string, object?> tag in activity.TagObjects)
                {
                    tags[tag.Key] = true;
                }
            },
        };
        ActivitySource.AddActivityListener(listener);

        await UseAsync();

        string[] calls =
        [
            .. typeof(KvMethod).GetFields(BindingFlags.Public | BindingFlags.Static)
                .Select(field => ((KvMethod)field.GetValue(null)!).Name),
        ];
        Assert.Contains("transaction", names.Keys);
        Assert.Contains("setKey", names.Keys);
        Assert.Empty(names.Keys.Except(calls).Except(["transaction"]));
        Assert.Contains("| `transaction` |", Page, StringComparison.Ordinal);
        Assert.Equal(
            FirstColumn("| tag of a call's activity | |").Order(StringComparer.Ordinal),
            tags.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void ClientLog_events_are_those_of_the_table()
    {
        IEnumerable<string> written = typeof(ClientLog).GetMethods(BindingFlags.Public | BindingFlags.Static)
            .Select(method => (method.Name, method.GetCustomAttribute<LoggerMessageAttribute>()!.Level))
            .Select(entry => $"`{entry.Name}` | {entry.Level}");

        Assert.Equal(
            LogRow().Matches(Page).Select(row => row.Groups[1].Value).Order(StringComparer.Ordinal),
            written.Order(StringComparer.Ordinal));
    }

    /// <summary>Writes, a redirect, reads and a transaction.</summary>
    private static async Task UseAsync()
    {
        await using var cluster = new ScriptedCluster(2);
        cluster.Leader = cluster.Nodes[1];
        await using var client = new KvCloudClient(cluster.Nodes[0].Endpoint);
        await client.SetAsync("a", "1");
        await client.GetStringAsync("a");
        await client.RunAsync(transaction => transaction.GetStringAsync("a").AsTask());
    }

    private static IEnumerable<string> FirstColumn(string heading) =>
        Page[Page.IndexOf(heading, StringComparison.Ordinal)..].Split('\n').Skip(2)
            .TakeWhile(line => line.StartsWith('|'))
            .Select(line => Backticked().Match(line).Groups[1].Value);

    [GeneratedRegex(
        @"^\| `(?<name>kvcloud\.client\.[a-z_.]+)` \| (?<kind>\w+) \| `(?<unit>[^`]+)` \| (?<tags>[^|]*) \|",
        RegexOptions.Multiline)]
    private static partial Regex InstrumentRow();

    [GeneratedRegex(@"^\| (`\w+` \| (?:Information|Warning|Error|Debug|Trace|Critical)) \|", RegexOptions.Multiline)]
    private static partial Regex LogRow();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Backticked();
}

using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using KvCloud.Cli.Output;
using KvCloud.Client;

namespace KvCloud.Cli.Commands;

/// <summary>`kv status`, `kv stats`, `kv ping`: the state of the cluster.</summary>
internal static class ClusterCommands
{
    private const string Unknown = "-";

    public static Command Status(CommandRunner runner)
    {
        var command = new Command(
            "status", "Print the replicas with role (*: leader), health and lag. Exit code 3 without a leader.");
        runner.Bind(command, async (context, cancellationToken) =>
        {
            KvClusterHealth health = await context.Client.GetClusterHealthAsync(
                new KvReadOptions { Endpoint = context.Endpoint }, cancellationToken);
            if (context.Format == ValueFormat.Json)
            {
                PrintJson(context.Console, health);
            }
            else
            {
                PrintTable(context.Console, health);
            }

            return health.Leader is null ? ExitCode.Unavailable : ExitCode.Ok;
        });
        return command;
    }

    public static Command Stats(CommandRunner runner)
    {
        var detailed = new Option<bool>("--detailed") { Description = "Include statistics of the store." };
        var each = new Option<bool>("--each-replica") { Description = "Query every replica." };
        var command = new Command("stats", "Print statistics of the database.") { detailed, each };
        runner.Bind(command, async (context, cancellationToken) =>
        {
            foreach (string? endpoint in await EndpointsAsync(context, context.Get(each), cancellationToken))
            {
                KvDatabaseStats stats = await context.Client.GetDatabaseStatsAsync(
                    context.Get(detailed), new KvReadOptions { Endpoint = endpoint }, cancellationToken);
                PrintStats(context, endpoint, stats);
            }

            return ExitCode.Ok;
        });
        return command;
    }

    public static Command Ping(CommandRunner runner)
    {
        var each = new Option<bool>("--each-replica") { Description = "Ping every replica." };
        var command = new Command("ping", "Check that a node answers. Exit code 3 if one does not.") { each };
        runner.Bind(command, async (context, cancellationToken) =>
        {
            int code = ExitCode.Ok;
            foreach (string? endpoint in await EndpointsAsync(context, context.Get(each), cancellationToken))
            {
                try
                {
                    KvPing ping = await context.Client.PingAsync(
                        new KvReadOptions { Endpoint = endpoint }, cancellationToken);
                    string text = string.Create(
                        CultureInfo.InvariantCulture, $"{ping.RoundTrip.TotalMilliseconds:0.00} ms");
                    context.Console.Out.WriteLine(endpoint is null ? text : $"{endpoint}\t{text}");
                }
                catch (KvCloudException exception)
                {
                    context.Console.WriteError(exception.Message);
                    code = ExitCode.Unavailable;
                }
            }

            return code;
        });
        return command;
    }

    /// <summary>The endpoints to query: every replica, the one given by --endpoint, or null for any.</summary>
    public static async Task<IReadOnlyList<string?>> EndpointsAsync(
        CommandContext context, bool eachReplica, CancellationToken cancellationToken)
    {
        if (!eachReplica)
        {
            return [context.Endpoint];
        }

        KvClusterHealth health = await context.Client.GetClusterHealthAsync(null, cancellationToken);
        return [.. health.Nodes.Select(node => node.Endpoint)];
    }

    /// <summary>Columns that tell what the program of a replica can do.</summary>
    public static IReadOnlyList<string> ReleaseHeadings { get; } = ["release", "wire", "feature level"];

    /// <summary>Below <see cref="ReleaseHeadings"/>: the level as "1 of 2" where the program knows more.</summary>
    public static IEnumerable<string> ReleaseCells(KvNodeStatus node)
    {
        yield return node.SoftwareVersion ?? Unknown;
        yield return node.MinWireVersion is int min && node.MaxWireVersion is int max ? $"{min}-{max}" : Unknown;
        yield return node.SupportedFeatureLevel is int supported && supported != node.FeatureLevel
            ? $"{Text(node.FeatureLevel)} of {supported}"
            : Text(node.FeatureLevel);
    }

    public static void WriteRelease(Utf8JsonWriter writer, KvNodeStatus node)
    {
        writer.WriteString("release", node.SoftwareVersion);
        Number(writer, "min_wire_version", node.MinWireVersion);
        Number(writer, "max_wire_version", node.MaxWireVersion);
        Number(writer, "supported_feature_level", node.SupportedFeatureLevel);
        Number(writer, "feature_level", node.FeatureLevel);
    }

    private static void PrintTable(KvConsole console, KvClusterHealth health)
    {
        List<string[]> rows =
        [
            .. health.Nodes.Select(node => (string[])
            [
                Text(node.Id) + (node.IsLeader ? "*" : ""),
                node.Endpoint,
                node.Role ?? (node.IsLeader ? "leader" : "follower"),
                node.Status,
                Text(node.AppliedSlot),
                Text(node.LagSlots),
                Text(node.AppliedVersion),
                node.Uptime is { } uptime ? uptime.ToString("c", CultureInfo.InvariantCulture) : Unknown,
                .. ReleaseCells(node),
            ]),
        ];
        Tables.Print(
            console,
            ["id", "endpoint", "role", "health", "applied slot", "lag", "version", "uptime", .. ReleaseHeadings], rows);
        foreach (KvNodeStatus node in health.Nodes.Where(node => node.StatusReason is not null))
        {
            console.Out.WriteLine($"node {Text(node.Id)}: {node.StatusReason}");
        }

        console.Out.WriteLine(
            $"cluster {health.Status}, {health.HealthyNodes} of {health.Nodes.Count} replicas are healthy, term"
            + $" {health.Term}"
            + (health.FeatureLevel is int level ? $", feature level {level}" : "")
            + (health.Leader is null ? ", no leader" : ""));
    }

    private static void PrintJson(KvConsole console, KvClusterHealth health) => console.Out.WriteLine(
        JsonLine.Write(writer =>
        {
            writer.WriteString("status", health.Status);
            writer.WriteNumber("term", health.Term);
            writer.WriteString("leader", health.Leader?.Endpoint);
            Number(writer, "feature_level", health.FeatureLevel);
            writer.WriteStartArray("nodes");
            foreach (KvNodeStatus node in health.Nodes)
            {
                writer.WriteStartObject();
                writer.WriteNumber("id", node.Id);
                writer.WriteString("endpoint", node.Endpoint);
                writer.WriteString("role", node.Role);
                writer.WriteString("health", node.Status);
                writer.WriteString("health_reason", node.StatusReason);
                writer.WriteBoolean("leader", node.IsLeader);
                Number(writer, "applied_slot", node.AppliedSlot);
                Number(writer, "lag_slots", node.LagSlots);
                Number(writer, "applied_version", node.AppliedVersion);
                Number(writer, "uptime_seconds", (long?)node.Uptime?.TotalSeconds);
                WriteRelease(writer, node);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }));

    private static void PrintStats(CommandContext context, string? endpoint, KvDatabaseStats stats)
    {
        List<(string Name, string Text)> figures =
        [
            ("total_keys", Text(stats.TotalKeys)),
            ("total_size_bytes", Text(stats.TotalSizeBytes)),
            ("write_operations", Text(stats.WriteOperations)),
            ("read_operations", Text(stats.ReadOperations)),
            ("average_response_time_ms", stats.AverageResponseTimeMs.ToString("0.###", CultureInfo.InvariantCulture)),
            ("active_transactions", Text(stats.ActiveTransactions)),
            ("committed_transactions", Text(stats.CommittedTransactions)),
            ("aborted_transactions", Text(stats.AbortedTransactions)),
            ("cache_hit_rate_percent", Text(stats.CacheHitRatePercent)),
            ("compaction_pending_bytes", Text(stats.CompactionPendingBytes)),
            ("oldest_readable_version", Text(stats.OldestReadableVersion)),
            ("applied_version", Text(stats.AppliedVersion)),
            .. stats.Details.OrderBy(detail => detail.Key, StringComparer.Ordinal)
                .Select(detail => (detail.Key, Text(detail.Value))),
        ];
        if (context.Format == ValueFormat.Json)
        {
            context.Console.Out.WriteLine(JsonLine.Write(writer =>
            {
                if (endpoint is not null)
                {
                    writer.WriteString("endpoint", endpoint);
                }

                foreach ((string name, string text) in figures.Where(figure => figure.Text != Unknown))
                {
                    writer.WritePropertyName(name);
                    writer.WriteRawValue(text);
                }
            }));
            return;
        }

        if (endpoint is not null)
        {
            context.Console.Out.WriteLine($"endpoint\t{endpoint}");
        }

        foreach ((string name, string text) in figures)
        {
            context.Console.Out.WriteLine($"{name}\t{text}");
        }
    }

    private static void Number(Utf8JsonWriter writer, string name, long? number)
    {
        if (number is { } given)
        {
            writer.WriteNumber(name, given);
        }
    }

    private static string Text(long? number) => number?.ToString(CultureInfo.InvariantCulture) ?? Unknown;
}

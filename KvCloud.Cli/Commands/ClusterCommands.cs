using System.CommandLine;
using KvCloud.Cli.Output;
using KvCloud.Client;

namespace KvCloud.Cli.Commands;

/// <summary>`kv stats`, `kv ping`: figures of the database, and whether nodes answer.</summary>
internal static class ClusterCommands
{
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
                    PrintPing(context, endpoint, ping);
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

    private static void PrintPing(CommandContext context, string? endpoint, KvPing ping)
    {
        double milliseconds = Math.Round(ping.RoundTrip.TotalMilliseconds, 2);
        if (context.Printer.IsJson)
        {
            context.Printer.Json(writer =>
            {
                if (endpoint is not null)
                {
                    writer.WriteString("endpoint", endpoint);
                }

                writer.WriteNumber("round_trip_ms", milliseconds);
            });
            return;
        }

        string text = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{milliseconds:0.00} ms");
        context.Console.Out.WriteLine(endpoint is null ? text : $"{endpoint}\t{text}");
    }

    private static void PrintStats(CommandContext context, string? endpoint, KvDatabaseStats stats)
    {
        List<(string Name, object? Value)> figures =
        [
            ("total_keys", stats.TotalKeys),
            ("total_size_bytes", stats.TotalSizeBytes),
            ("write_operations", stats.WriteOperations),
            ("read_operations", stats.ReadOperations),
            ("average_response_time_ms", stats.AverageResponseTimeMs),
            ("active_transactions", stats.ActiveTransactions),
            ("committed_transactions", stats.CommittedTransactions),
            ("aborted_transactions", stats.AbortedTransactions),
            ("cache_hit_rate_percent", stats.CacheHitRatePercent),
            ("compaction_pending_bytes", stats.CompactionPendingBytes),
            ("oldest_readable_version", stats.OldestReadableVersion),
            ("applied_version", stats.AppliedVersion),
            .. stats.Details.OrderBy(detail => detail.Key, StringComparer.Ordinal)
                .Select(detail => (detail.Key, (object?)detail.Value)),
        ];
        if (endpoint is not null)
        {
            figures.Insert(0, ("endpoint", endpoint));
        }

        context.Printer.Figures(figures);
    }
}

using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using KvCloud.Cli.Cluster;
using KvCloud.Cli.Output;
using KvCloud.Client;

namespace KvCloud.Cli.Commands;

/// <summary>`kv status`: every member asked for itself, now.</summary>
internal static class StatusCommand
{
    private const string Unknown = "-";

    public static Command Create(CommandRunner runner)
    {
        var command = new Command(
            "status",
            "Ask every replica for its role (*: leader), health and lag, each for at most two seconds. Exit code 3"
            + " without a leader. With --endpoint: what that replica has heard of the others.");
        runner.Bind(command, async (context, cancellationToken) =>
        {
            if (context.Endpoint is not null)
            {
                KvClusterHealth heard = await context.Client.GetClusterHealthAsync(
                    new KvReadOptions { Endpoint = context.Endpoint }, cancellationToken);
                return Print(context, SummaryOf(heard), [.. heard.Nodes.Select(RowOf)]);
            }

            ClusterReport now = await new ClusterQuery(context.Client).AskAsync(cancellationToken);
            return Print(context, SummaryOf(now), [.. now.Members.Select(member => RowOf(now, member))]);
        });
        return command;
    }

    private static int Print(CommandContext context, Summary summary, IReadOnlyList<Row> rows)
    {
        Printer printer = context.Printer;
        if (printer.IsJson)
        {
            printer.Json(writer => WriteJson(writer, summary, rows));
        }
        else
        {
            printer.Rows(
                ["id", "endpoint", "role", "health", "applied slot", "lag", "version", "uptime", "answer", "release"],
                rows,
                Cells,
                (_, _) => { });
            foreach (Row row in rows.Where(row => row.Trouble is not null))
            {
                printer.Sentence($"node {Text(row.Node.Id)}: {row.Trouble}");
            }

            printer.Sentence(
                $"cluster {summary.Status}, {summary.Healthy} of {rows.Count} replicas are healthy, term {summary.Term}"
                + (summary.FeatureLevel is int level ? $", feature level {level}" : "")
                + (summary.Leader is null ? ", no leader" : ""));
            if (summary.Status != "healthy")
            {
                printer.Sentence("kv doctor says what to do");
            }
        }

        return summary.Leader is null ? ExitCode.Unavailable : ExitCode.Ok;
    }

    private static IEnumerable<string> Cells(Row row) =>
    [
        Text(row.Node.Id) + (row.IsLeader ? "*" : ""),
        row.Node.Endpoint,
        row.Role,
        row.Health,
        row.IsKnown ? Text(row.Node.AppliedSlot) : Unknown,
        Text(row.Lag),
        row.IsKnown ? Text(row.Node.AppliedVersion) : Unknown,
        row.IsKnown && row.Node.Uptime is { } uptime ? uptime.ToString("c", CultureInfo.InvariantCulture) : Unknown,
        row.RoundTrip is { } time
            ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0.0} ms")
            : Unknown,
        row.Node.SoftwareVersion ?? Unknown,
    ];

    private static Row RowOf(ClusterReport now, MemberReport member) => new(member.Known)
    {
        IsLeader = member == now.Leader,
        Role = !member.Answers ? "unknown"
            : member == now.Leader ? "leader"
            : member.IsLearner ? "learner"
            : member.Own is { IsLeader: true } ? "follower"
            : member.Own!.Role ?? "follower",
        Health = member.Health,
        Trouble = member.Trouble,
        Lag = now.LagOf(member),
        RoundTrip = member.RoundTrip,
        IsKnown = member.Answers,
    };

    private static Row RowOf(KvNodeStatus node) => new(node)
    {
        IsLeader = node.IsLeader,
        Role = node.Role ?? (node.IsLeader ? "leader" : "follower"),
        Health = node.Status,
        Trouble = node.StatusReason,
        Lag = node.LagSlots,
        IsKnown = true,
    };

    private static Summary SummaryOf(ClusterReport now) =>
        new(now.Status, now.Term, now.Leader?.Known.Endpoint, now.FeatureLevel, now.Healthy, now.Heard.ClusterId);

    private static Summary SummaryOf(KvClusterHealth heard) => new(
        heard.Status, heard.Term, heard.Leader?.Endpoint, heard.FeatureLevel, heard.HealthyNodes, heard.ClusterId);

    private static void WriteJson(Utf8JsonWriter writer, Summary summary, IReadOnlyList<Row> rows)
    {
        writer.WriteString("cluster", summary.ClusterId);
        writer.WriteString("status", summary.Status);
        writer.WriteNumber("term", summary.Term);
        writer.WriteString("leader", summary.Leader);
        ReleaseDisplay.Number(writer, "feature_level", summary.FeatureLevel);
        writer.WriteStartArray("nodes");
        foreach (Row row in rows)
        {
            writer.WriteStartObject();
            writer.WriteNumber("id", row.Node.Id);
            writer.WriteString("endpoint", row.Node.Endpoint);
            writer.WriteString("role", row.Role);
            writer.WriteString("health", row.Health);
            writer.WriteString("health_reason", row.Trouble);
            writer.WriteBoolean("leader", row.IsLeader);
            ReleaseDisplay.Number(writer, "applied_slot", row.IsKnown ? row.Node.AppliedSlot : null);
            ReleaseDisplay.Number(writer, "chosen_slot", row.IsKnown ? row.Node.ChosenSlot : null);
            ReleaseDisplay.Number(writer, "lag_slots", row.Lag);
            ReleaseDisplay.Number(writer, "applied_version", row.IsKnown ? row.Node.AppliedVersion : null);
            ReleaseDisplay.Number(
                writer, "uptime_seconds", row.IsKnown ? (long?)row.Node.Uptime?.TotalSeconds : null);
            if (row.RoundTrip is { } time)
            {
                writer.WriteNumber("answer_ms", Math.Round(time.TotalMilliseconds, 3));
            }

            ReleaseDisplay.Write(writer, row.Node);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static string Text(long? number) => number?.ToString(CultureInfo.InvariantCulture) ?? Unknown;

    private sealed record Summary(
        string Status, long Term, string? Leader, int? FeatureLevel, int Healthy, string? ClusterId);

    private sealed record Row(KvNodeStatus Node)
    {
        public required string Role { get; init; }

        public required string Health { get; init; }

        public bool IsLeader { get; init; }

        public string? Trouble { get; init; }

        public long? Lag { get; init; }

        public TimeSpan? RoundTrip { get; init; }

        /// <summary>Whether the figures are those that were asked for, and not those of earlier.</summary>
        public bool IsKnown { get; init; }
    }
}

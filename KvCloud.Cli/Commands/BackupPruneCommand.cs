using System.CommandLine;
using System.Globalization;
using KvCloud.Backup.Leases;
using KvCloud.Backup.Pruning;
using KvCloud.Cli.Output;
using KvCloud.Cli.Transfer;

namespace KvCloud.Cli.Commands;

/// <summary>`kv backup prune`: removes snapshots and log that the policy does not keep.</summary>
internal static class BackupPruneCommand
{
    public static Command Create(GlobalOptions globals, KvConsole console)
    {
        Option<string> from = BackupCommands.From();
        var snapshots = new Option<int?>("--keep-snapshots")
        {
            Description = "Keep so many of the newest snapshots, and every moment since the oldest of them.",
            HelpName = "number",
        };
        var days = new Option<double?>("--keep-days")
        {
            Description = "Keep every moment of so many days.",
            HelpName = "days",
        };
        var grace = new Option<TimeSpan?>("--grace")
        {
            Description = "Files that no snapshot needs are removed when they are older than this. Default: 1h.",
            HelpName = "time",
            CustomParser = result => GlobalOptions.Parse(result, GlobalOptions.ParsePositiveTime),
        };
        var dryRun = new Option<bool>("--dry-run") { Description = "Only print what would be removed." };
        var command = new Command("prune", "Remove from an archive what is not needed any more.")
        {
            from, snapshots, days, grace, dryRun,
        };
        BackupCommands.Bind(command, from, async (parsed, store, cancellationToken) =>
        {
            PrunePolicy policy = PolicyOf(
                parsed.GetValue(snapshots), parsed.GetValue(days), parsed.GetValue(grace));
            bool isDryRun = parsed.GetValue(dryRun);
            PrunePlan plan = await new ArchivePruner(store, new LeaseOptions())
                .RunAsync(policy, isDryRun, cancellationToken);
            Report(console, plan, isDryRun, globals.FormatOf(parsed) == ValueFormat.Json);
            return ExitCode.Ok;
        });
        return command;
    }

    private static PrunePolicy PolicyOf(int? snapshots, double? days, TimeSpan? grace)
    {
        if (snapshots is null == days is null)
        {
            throw new UsageException("one of --keep-snapshots and --keep-days is needed");
        }

        if (snapshots < 1 || days < 0)
        {
            throw new UsageException("--keep-snapshots must be 1 at least, --keep-days must not be below 0");
        }

        var policy = new PrunePolicy(snapshots, days is { } age ? TimeSpan.FromDays(age) : null);
        return grace is { } given ? policy with { Grace = given } : policy;
    }

    private static void Report(KvConsole console, PrunePlan plan, bool isDryRun, bool isJson)
    {
        if (isJson)
        {
            console.Out.WriteLine(JsonLine.Write(writer =>
            {
                writer.WriteBoolean("dry_run", isDryRun);
                writer.WriteNumber("kept_snapshots", plan.Kept.Count);
                writer.WriteNumber("snapshots", plan.Snapshots.Count);
                writer.WriteNumber("log_segments", plan.Log.Count);
                writer.WriteNumber("files", plan.Files.Count);
                writer.WriteNumber("bytes", plan.FreedBytes);
            }));
            return;
        }

        string verb = isDryRun ? "would remove" : "removed";
        console.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{verb} {plan.Snapshots.Count} snapshots, {plan.Log.Count} segments of log and {plan.Files.Count} files"
            + $" ({TransferProgress.Megabytes(plan.FreedBytes)}); {plan.Kept.Count} snapshots stay"));
    }
}

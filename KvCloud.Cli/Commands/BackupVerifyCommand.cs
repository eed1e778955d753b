using System.CommandLine;
using System.Text.Json;
using KvCloud.Backup.Catalog;
using KvCloud.Backup.Leases;
using KvCloud.Backup.Reading;
using KvCloud.Cli.Backup;

namespace KvCloud.Cli.Commands;

/// <summary>`kv backup verify`: verifies every object of an archive, and restores from it as a trial.</summary>
internal static class BackupVerifyCommand
{
    private const string ScratchCluster = "kv-backup-verify";

    public static Command Create(KvConsole console)
    {
        Option<string> from = BackupCommands.From();
        var scratch = new Option<string?>("--scratch")
        {
            Description = "Where the restore is tried; removed at the end. Default: the folder for temporary files.",
            HelpName = "directory",
        };
        var hashesOnly = new Option<bool>("--hashes-only") { Description = "Do not try a restore." };
        var target = new RestoreTargetOptions();
        var command = new Command(
            "verify", "Read everything in an archive, check every hash, and try a restore of it.")
        {
            from, scratch, hashesOnly,
        };
        target.AddTo(command);
        BackupCommands.Bind(command, from, async (parsed, store, cancellationToken) =>
        {
            var display = new BackupDisplay(console);
            var run = new RestoreRun(store, display);
            await using ArchiveLease lease = await run.TakeLeaseAsync(cancellationToken);
            ArchiveCatalog catalog = await ArchiveCatalog.LoadAsync(store, cancellationToken);
            var progress = new ReadProgress();
            Task<IReadOnlyList<string>> reading =
                new ArchiveVerifier(store, progress).FindProblemsAsync(catalog, cancellationToken);
            await display.ShowAsync("read", progress, reading);
            IReadOnlyList<string> problems = await reading;
            ReportHashes(console, catalog, problems);
            if (problems.Count > 0)
            {
                return ExitCode.No;
            }

            if (!parsed.GetValue(hashesOnly))
            {
                var plan = RestorePlan.For(catalog, target.Of(parsed));
                JsonElement made = await TryRestoreAsync(
                    run, plan, parsed.GetValue(scratch) ?? Path.GetTempPath(), lease, cancellationToken);
                console.Out.WriteLine($"restored as a trial: {made.GetRawText()}");
            }

            return ExitCode.Ok;
        });
        return command;
    }

    private static void ReportHashes(KvConsole console, ArchiveCatalog catalog, IReadOnlyList<string> problems)
    {
        foreach (string problem in problems)
        {
            console.WriteError(problem);
        }

        foreach (RestorableRange range in catalog.Ranges)
        {
            console.Out.WriteLine($"restorable: {range.Describe()}");
        }

        foreach ((long first, long last) in BackupListCommand.Gaps(catalog.Ranges))
        {
            console.Out.WriteLine(FormattableString.Invariant($"gap: slots {first}-{last} cannot be restored"));
        }

        console.Out.WriteLine(FormattableString.Invariant(
            $"{catalog.Files.Count} files and {catalog.Log.Count} segments of log read; {problems.Count} problems"));
    }

    private static async Task<JsonElement> TryRestoreAsync(
        RestoreRun run, RestorePlan plan, string parent, ArchiveLease lease, CancellationToken cancellationToken)
    {
        string scratch = Directory.CreateDirectory(
            Path.Combine(Path.GetFullPath(parent), $"kv-verify-{Guid.NewGuid():n}")).FullName;
        try
        {
            string staging = Path.Combine(scratch, "staging");
            await run.StageAsync(plan, staging, lease, cancellationToken);
            IEnumerable<string> arguments = NodeRestore.Arguments(
                staging, Path.Combine(scratch, "data"), "1", ScratchCluster, plan, plan.FirstVersion);
            return await run.ApplyAsync(arguments.Append("--verify"), cancellationToken);
        }
        finally
        {
            Directory.Delete(scratch, recursive: true);
        }
    }
}

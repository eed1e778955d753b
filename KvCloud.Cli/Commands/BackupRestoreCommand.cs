using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using KvCloud.Backup.Catalog;
using KvCloud.Backup.Leases;
using KvCloud.Cli.Backup;
using KvCloud.Cli.Output;

namespace KvCloud.Cli.Commands;

/// <summary>`kv backup restore`: creates the data directories of a new cluster from a point of the archive.</summary>
internal static class BackupRestoreCommand
{
    public static Command Create(GlobalOptions globals, KvConsole console)
    {
        Option<string> from = BackupCommands.From();
        Option<string> to = Required("--to", "The data root of the new cluster; it must be empty.", "directory");
        Option<string> nodes = Required(
            "--nodes", "The numbers of its replicas: each gets a directory node_N below the data root.", "1,2,3");
        Option<string> clusterId = Required(
            "--cluster-id", "The name of the new cluster, which must not be that of the archive.", "name");
        var firstVersion = new Option<long?>("--first-version")
        {
            Description = "Where its versions begin. Default: far above all that the archive knows of; the same on"
                + " every machine.",
            HelpName = "number",
        };
        var staging = new Option<string?>("--staging")
        {
            Description = "Where what is fetched is kept until it is applied. Default: beside the data root.",
            HelpName = "directory",
        };
        var target = new RestoreTargetOptions();
        var command = new Command("restore", "Make the data of a new cluster, as of any moment of the archive.")
        {
            from, to, nodes, clusterId, firstVersion, staging,
        };
        target.AddTo(command);
        BackupCommands.Bind(command, from, async (parsed, store, cancellationToken) =>
        {
            string root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(parsed.GetValue(to)!));
            ThrowIfUnusable(root);
            string stagingPath = Path.GetFullPath(parsed.GetValue(staging) ?? $"{root}.staging");
            var display = new BackupDisplay(console);
            var run = new RestoreRun(store, display);
            RestorePlan plan;
            JsonElement made;
            await using (ArchiveLease lease = await run.TakeLeaseAsync(cancellationToken))
            {
                (_, plan) = await run.PlanAsync(target.Of(parsed), cancellationToken);
                ThrowIfSameCluster(plan, parsed.GetValue(clusterId)!);
                display.Tell(Describe(plan));
                await run.StageAsync(plan, stagingPath, lease, cancellationToken);
            }

            made = await run.ApplyAsync(
                NodeRestore.Arguments(
                    stagingPath,
                    root,
                    parsed.GetValue(nodes)!,
                    parsed.GetValue(clusterId)!,
                    plan,
                    parsed.GetValue(firstVersion) ?? plan.FirstVersion),
                cancellationToken);
            Directory.Delete(stagingPath, recursive: true);
            Report(console, globals.FormatOf(parsed), root, parsed.GetValue(clusterId)!, made);
            return ExitCode.Ok;
        });
        return command;
    }

    public static string Describe(RestorePlan plan) => string.Create(
        CultureInfo.InvariantCulture,
        $"{plan.Target}: the snapshot of slot {plan.Snapshot.Manifest.Slot} and {plan.Log.Count} segments of log,"
        + $" {plan.SizeBytes} bytes");

    /// <summary>Refuses early, before gigabytes are downloaded; the node checks again.</summary>
    private static void ThrowIfUnusable(string root)
    {
        if (DriveInfo.GetDrives().Any(drive => Path.TrimEndingDirectorySeparator(drive.Name) == root))
        {
            throw new UsageException(
                $"{root} is a mount point: the data root appears by a rename, which cannot replace one."
                + " Name a directory below it");
        }

        if (Directory.Exists(root) && Directory.EnumerateFileSystemEntries(root).Any())
        {
            throw new UsageException($"{root} is not empty; a restore makes a new data root");
        }
    }

    private static void ThrowIfSameCluster(RestorePlan plan, string clusterId)
    {
        if (clusterId == plan.Snapshot.Manifest.ClusterId)
        {
            throw new UsageException(
                $"the archive is of cluster '{clusterId}'; the new cluster needs an id of its own (--cluster-id)");
        }
    }

    private static void Report(
        KvConsole console, ValueFormat format, string root, string clusterId, JsonElement made)
    {
        if (format == ValueFormat.Json)
        {
            console.Out.WriteLine(made.GetRawText());
            return;
        }

        console.Out.WriteLine($"restored into {root}");
        foreach (JsonProperty property in made.EnumerateObject())
        {
            console.Out.WriteLine($"  {property.Name}: {property.Value}");
        }

        console.Out.WriteLine("start its replicas with these settings:");
        console.Out.WriteLine($"  [cluster] id = \"{clusterId}\"");
        console.Out.WriteLine($"  [database] base_path = \"{root}\"");
    }

    private static Option<string> Required(string name, string description, string helpName) => new(name)
    {
        Description = description,
        HelpName = helpName,
        Required = true,
    };
}

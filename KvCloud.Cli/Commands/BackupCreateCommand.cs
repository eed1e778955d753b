using System.CommandLine;
using System.Globalization;
using KvCloud.Backup;
using KvCloud.Backup.Catalog;
using KvCloud.Backup.Copying;
using KvCloud.Backup.Format;
using KvCloud.Backup.Stores;
using KvCloud.Cli.Backup;
using KvCloud.Cli.Output;
using KvCloud.Cli.Transfer;
using KvCloud.Client;

namespace KvCloud.Cli.Commands;

/// <summary>`kv backup create`: copies a snapshot and ships the log, once or continuously.</summary>
internal static class BackupCreateCommand
{
    private const long Megabyte = 1_000_000;

    public static Command Create(CommandRunner runner)
    {
        Option<string> to = BackupCommands.Archive("--to");
        var from = new Option<string?>("--from")
        {
            Description = "Ask this replica first. Default: the one that the last snapshot came from, whose files are"
                + " there already, else a follower.",
            HelpName = "host:port",
        };
        var continuous = new Option<bool>("--continuous")
        {
            Description = "Go on with the log until Ctrl-C or SIGTERM.",
        };
        Option<TimeSpan?> snapshotEvery = Time(
            "--snapshot-every", "With --continuous: how often a new snapshot is made. Default: 1h.");
        Option<TimeSpan?> shipEvery = Time(
            "--ship-every", "With --continuous: how often the log is read. Default: 1s.");
        var maxRate = new Option<double?>("--max-rate")
        {
            Description = "Read at most so many megabytes a second.",
            HelpName = "MB/s",
        };
        var command = new Command("create", "Make a backup, or go on with one.")
        {
            to, from, continuous, snapshotEvery, shipEvery, maxRate,
        };
        runner.Bind(command, async (context, cancellationToken) =>
        {
            var usual = new BackupOptions();
            var options = new BackupOptions
            {
                IsContinuous = context.Get(continuous),
                SnapshotEvery = context.Get(snapshotEvery) ?? usual.SnapshotEvery,
                ShipEvery = context.Get(shipEvery) ?? usual.ShipEvery,
                MaxBytesPerSecond = BytesOf(context.Get(maxRate)),
            };
            using Demo.StopSignals stop = BackupStop.Listen(cancellationToken);
            using IArchiveStore store = ArchiveAddress.Open(context.Get(to)!);
            return await RunAsync(context, store, context.Get(from), options, stop.Requested);
        });
        return command;
    }

    private static async Task<int> RunAsync(
        CommandContext context, IArchiveStore store, string? from, BackupOptions options, CancellationToken stop)
    {
        KvClusterHealth health = await context.Client.GetClusterHealthAsync(
            new KvReadOptions { Endpoint = context.Endpoint }, stop);
        IReadOnlyList<string> order = ReplicaSources.Order(health, from, await LastNodeAsync(store, health, stop));
        var display = new BackupDisplay(context.Console);
        var progress = new BackupProgress { Tell = display.Tell };
        await using var run = new BackupRun(
            store, ReplicaSources.Open(context.Client, order), options, progress, TimeProvider.System);
        Task backup = run.RunAsync(stop);
        await display.ShowAsync(progress, backup);
        try
        {
            await backup;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested && options.IsContinuous)
        {
            display.Tell("stopped; the next one goes on from here");
        }

        Report(context, store, progress);
        return ExitCode.Ok;
    }

    private static async Task<int?> LastNodeAsync(
        IArchiveStore store, KvClusterHealth health, CancellationToken cancellationToken)
    {
        if (await ArchiveMarker.TryReadAsync(store, cancellationToken) is not { } marker)
        {
            return null;
        }

        if (health.ClusterId is { } clusterId && clusterId != marker.ClusterId)
        {
            throw new ArchiveException(
                $"{store.Address} is the archive of cluster '{marker.ClusterId}', not of '{clusterId}'");
        }

        ArchiveCatalog catalog = await ArchiveCatalog.LoadAsync(store, cancellationToken);
        return catalog.Snapshots.LastOrDefault(snapshot => snapshot.IsWhole)?.Manifest.NodeId;
    }

    private static void Report(CommandContext context, IArchiveStore store, BackupProgress progress)
    {
        if (context.Format == ValueFormat.Json)
        {
            context.Console.Out.WriteLine(JsonLine.Write(writer =>
            {
                writer.WriteString("archive", store.Address);
                writer.WriteNumber("snapshots", progress.Snapshots);
                writer.WriteNumber("copied_bytes", progress.CopiedBytes);
                writer.WriteNumber("shared_bytes", progress.SharedBytes);
                writer.WriteNumber("log_bytes", progress.LogBytes);
                writer.WriteNumber("log_segments", progress.Segments);
                writer.WriteNumber("slot", progress.ShippedSlot);
            }));
            return;
        }

        string copied = TransferProgress.Megabytes(progress.CopiedBytes);
        string shared = TransferProgress.Megabytes(progress.SharedBytes);
        string log = TransferProgress.Megabytes(progress.LogBytes);
        context.Console.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{store.Address}: {progress.Snapshots} snapshots, {copied} copied, {shared} were there; log to slot"
            + $" {progress.ShippedSlot}, {log} in {progress.Segments} segments"));
    }

    private static long? BytesOf(double? megabytes) => megabytes switch
    {
        null => null,
        > 0 => (long)(megabytes * Megabyte),
        _ => throw new UsageException("--max-rate must be above 0"),
    };

    private static Option<TimeSpan?> Time(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "time",
        CustomParser = result => GlobalOptions.Parse(result, GlobalOptions.ParsePositiveTime),
    };
}

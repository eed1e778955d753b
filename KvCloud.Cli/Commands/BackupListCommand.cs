using System.CommandLine;
using System.Globalization;
using KvCloud.Backup.Catalog;
using KvCloud.Backup.Stores;
using KvCloud.Cli.Output;
using KvCloud.Cli.Transfer;

namespace KvCloud.Cli.Commands;

/// <summary>`kv backup list`: the snapshots of an archive, and what can be restored from it.</summary>
internal static class BackupListCommand
{
    public static Command Create(GlobalOptions globals, KvConsole console)
    {
        Option<string> from = BackupCommands.From();
        var command = new Command("list", "Print the snapshots of an archive, and what can be restored.") { from };
        BackupCommands.Bind(command, from, async (parsed, store, cancellationToken) =>
        {
            ArchiveCatalog catalog = await ArchiveCatalog.LoadAsync(store, cancellationToken);
            Printer printer = globals.PrinterOf(parsed, console);
            if (printer.IsJson)
            {
                WriteJson(console, catalog);
            }
            else
            {
                WriteTables(console, printer, store, catalog);
            }

            foreach (string problem in catalog.Problems)
            {
                console.WriteError(problem);
            }

            return catalog.Problems.Count > 0 ? ExitCode.No : ExitCode.Ok;
        });
        return command;
    }

    /// <summary>Slots between two ranges: the archive has no log of them.</summary>
    public static IEnumerable<(long From, long To)> Gaps(IReadOnlyList<RestorableRange> ranges) =>
        ranges.Zip(ranges.Skip(1), (before, after) => (before.To.Slot + 1, after.From.Slot - 1));

    private static void WriteTables(
        KvConsole console, Printer printer, IArchiveStore store, ArchiveCatalog catalog)
    {
        console.Out.WriteLine(
            $"{store.Address}, cluster {catalog.Marker.ClusterId}: {TransferProgress.Megabytes(catalog.FileBytes)} of"
            + $" files, {TransferProgress.Megabytes(catalog.LogBytes)} of log");
        Tables.Print(
            console,
            printer.IsTable,
            ["snapshot", "version", "time", "taken", "node", "size", "own", "shared", "state"],
            [
                .. catalog.Snapshots.Select(snapshot => new[]
                {
                    Text(snapshot.Manifest.Slot),
                    Text(snapshot.Manifest.Version),
                    RestorableRange.Time(PointOf(snapshot)),
                    snapshot.Manifest.Taken.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture),
                    Text(snapshot.Manifest.NodeId),
                    TransferProgress.Megabytes(snapshot.Manifest.SizeBytes),
                    TransferProgress.Megabytes(snapshot.Manifest.SizeBytes - catalog.SharedBytesOf(snapshot)),
                    TransferProgress.Megabytes(catalog.SharedBytesOf(snapshot)),
                    snapshot.IsWhole ? "whole" : Text(snapshot.MissingFiles.Count) + " files missing",
                }),
            ]);
        Tables.Print(
            console,
            printer.IsTable,
            ["restorable slots", "versions", "times"],
            [
                .. catalog.Ranges.Select(range => new[]
                {
                    $"{Text(range.From.Slot)}-{Text(range.To.Slot)}",
                    $"{Text(range.From.Version)}-{Text(range.To.Version)}",
                    $"{RestorableRange.Time(range.From)} to {RestorableRange.Time(range.To)}",
                }),
            ]);
        foreach ((long from, long to) in Gaps(catalog.Ranges))
        {
            console.Out.WriteLine($"gap: slots {Text(from)}-{Text(to)} cannot be restored");
        }
    }

    private static void WriteJson(KvConsole console, ArchiveCatalog catalog)
    {
        foreach (ArchivedSnapshot snapshot in catalog.Snapshots)
        {
            console.Out.WriteLine(JsonLine.Write(writer =>
            {
                writer.WriteString("kind", "snapshot");
                writer.WriteNumber("slot", snapshot.Manifest.Slot);
                writer.WriteNumber("version", snapshot.Manifest.Version);
                writer.WriteNumber("unix_ms", snapshot.Manifest.UnixMs);
                writer.WriteString("taken", snapshot.Manifest.Taken);
                writer.WriteNumber("node_id", snapshot.Manifest.NodeId);
                writer.WriteNumber("bytes", snapshot.Manifest.SizeBytes);
                writer.WriteNumber("shared_bytes", catalog.SharedBytesOf(snapshot));
                writer.WriteNumber("missing_files", snapshot.MissingFiles.Count);
            }));
        }

        foreach (RestorableRange range in catalog.Ranges)
        {
            console.Out.WriteLine(JsonLine.Write(writer =>
            {
                writer.WriteString("kind", "restorable");
                writer.WriteNumber("from_slot", range.From.Slot);
                writer.WriteNumber("to_slot", range.To.Slot);
                writer.WriteNumber("from_version", range.From.Version);
                writer.WriteNumber("to_version", range.To.Version);
                writer.WriteNumber("from_unix_ms", range.From.UnixMs);
                writer.WriteNumber("to_unix_ms", range.To.UnixMs);
            }));
        }

        foreach ((long from, long to) in Gaps(catalog.Ranges))
        {
            console.Out.WriteLine(JsonLine.Write(writer =>
            {
                writer.WriteString("kind", "gap");
                writer.WriteNumber("from_slot", from);
                writer.WriteNumber("to_slot", to);
            }));
        }

        console.Out.WriteLine(JsonLine.Write(writer =>
        {
            writer.WriteString("kind", "archive");
            writer.WriteString("cluster_id", catalog.Marker.ClusterId);
            writer.WriteNumber("file_bytes", catalog.FileBytes);
            writer.WriteNumber("log_bytes", catalog.LogBytes);
        }));
    }

    private static RestorablePoint PointOf(ArchivedSnapshot snapshot) =>
        new(snapshot.Manifest.Slot, snapshot.Manifest.Version, snapshot.Manifest.UnixMs);

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}

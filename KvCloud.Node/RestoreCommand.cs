using System.Globalization;
using KvCloud.Node.Files;
using KvCloud.Node.Replication.Restore;
using KvCloud.Node.Storage;

namespace KvCloud.Node;

/// <summary>
/// <c>KvCloud.Node restore</c>: makes data directories of a new group out of a backup, without network and without a
/// running node. Says what it does as lines of JSON, and why it refuses on standard error.
/// </summary>
internal static class RestoreCommand
{
    public const string Verb = "restore";

    private const int ReportEveryMs = 250;

    /// <param name="args">What follows the verb.</param>
    /// <returns>The exit code of the process.</returns>
    public static int Run(IReadOnlyList<string> args, TextWriter output, TextWriter error) => VerbOutput.Run(
        () =>
        {
            var line = RestoreLine.Parse(args);
            if (line.Request is { } request)
            {
                Restore(request, line.Verify, output);
            }
            else
            {
                output.WriteLine(RestoreLine.Usage());
            }
        },
        error);

    private static void Restore(RestoreRequest request, bool verify, TextWriter output)
    {
        var options = new StoreOptions();
        var stores = new RestoreStores(
            path => RocksKvStore.Open(path, options), path => RocksKvStore.OpenReadOnly(path, options));
        long reportedMs = long.MinValue / 2;
        string stage = "";
        var restorer = new Restorer(SystemFiles.Instance, stores, progress =>
        {
            // All of them would be many; but each stage is named, and the last word is the final one.
            if (progress.Stage != stage || Environment.TickCount64 - reportedMs >= ReportEveryMs)
            {
                stage = progress.Stage;
                reportedMs = Environment.TickCount64;
                VerbOutput.WriteLine(output, new
                {
                    progress.Stage,
                    progress.Item,
                    Slot = progress.Slot.Value,
                    Version = progress.Version.Value,
                });
            }
        });
        RestoreResult result = restorer.Run(request);
        RestoredRows? rows = null;
        if (verify)
        {
            try
            {
                rows = RestoredRows.Read(stores.OpenCopy, request);
            }
            finally
            {
                SystemFiles.Instance.DeleteDirectory(request.Target);
            }
        }

        VerbOutput.WriteLine(output, new
        {
            Stage = verify ? "verified" : "restored",
            request.ClusterId,
            request.Nodes,
            Slot = result.Slot.Value,
            Version = result.Version.Value,
            result.UnixMs,
            FirstVersion = result.FirstVersion.Value,
            StateHash = result.StateHash.ToString("x16", CultureInfo.InvariantCulture),
            result.Keys,
            Rows = rows,
        });
    }
}

using KvCloud.Node.Files;
using KvCloud.Node.Replication.Restore;

namespace KvCloud.Node.Offline;

/// <summary>
/// <c>KvCloud.Node restore</c>: creates the data directories of a new group from a backup, without network or a running
/// node. Progress and result are lines of JSON; a refusal goes to standard error.
/// </summary>
internal static class RestoreCommand
{
    public const string Name = "restore";

    private const int ReportEveryMs = 250;

    /// <param name="args">The arguments after the name of the subcommand.</param>
    /// <returns>The exit code of the process.</returns>
    public static int Run(IReadOnlyList<string> args, TextWriter output, TextWriter error) => SubcommandOutput.Run(
        Name,
        () =>
        {
            var line = RestoreArguments.Parse(args);
            if (line.Request is { } request)
            {
                Restore(request, line.Verify, output);
            }
            else
            {
                output.WriteLine(RestoreArguments.Usage());
            }
        },
        error);

    private static void Restore(RestoreRequest request, bool verify, TextWriter output)
    {
        var stores = RestoreStores.OfRocks();
        long reportedMs = long.MinValue / 2;
        string stage = "";
        var restorer = new Restorer(SystemFiles.Instance, stores, progress =>
        {
            // Progress is throttled, except that each stage is reported when it begins.
            if (progress.Stage != stage || Environment.TickCount64 - reportedMs >= ReportEveryMs)
            {
                stage = progress.Stage;
                reportedMs = Environment.TickCount64;
                SubcommandOutput.WriteLine(output, new
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

        SubcommandOutput.WriteResult(output, verify ? "verified" : "restored", request, result, rows);
    }
}

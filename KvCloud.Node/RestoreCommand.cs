using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using KvCloud.Consensus;
using KvCloud.Node.Configuration;
using KvCloud.Node.Files;
using KvCloud.Node.Operations;
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

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    /// <param name="args">What follows the verb.</param>
    /// <returns>The exit code of the process.</returns>
    public static int Run(IReadOnlyList<string> args, TextWriter output, TextWriter error)
    {
        try
        {
            var line = RestoreLine.Parse(args);
            if (line.ShowHelp)
            {
                output.WriteLine(RestoreLine.Usage());
                return ExitCodes.Clean;
            }

            Restore(line, output);
            return ExitCodes.Clean;
        }
        catch (RestoreRefusedException exception)
        {
            error.WriteLine(exception.Message);
            return exception.Flaw switch
            {
                RestoreFlaw.Request => ExitCodes.Configuration,
                RestoreFlaw.Target => ExitCodes.DataDirectory,
                _ => ExitCodes.Fatal,
            };
        }
        catch (DataDirectoryException exception)
        {
            error.WriteLine(exception.Message);
            return ExitCodes.DataDirectory;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException
            or StoreFailedException or StoreCorruptException or UnknownFormatException or InvariantViolationException)
        {
            error.WriteLine($"nothing was restored: {exception.Message}");
            return ExitCodes.Fatal;
        }
    }

    private static void Restore(RestoreLine line, TextWriter output)
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
                Write(output, new
                {
                    progress.Stage,
                    progress.Item,
                    Slot = progress.Slot.Value,
                    Version = progress.Version.Value,
                });
            }
        });
        RestoreResult result = restorer.Run(line.Request);
        RestoredRows? rows = null;
        if (line.Verify)
        {
            try
            {
                rows = RestoredRows.Read(stores.OpenCopy, line.Request);
            }
            finally
            {
                SystemFiles.Instance.DeleteDirectory(line.Request.Target);
            }
        }

        Write(output, new
        {
            Stage = line.Verify ? "verified" : "restored",
            line.Request.ClusterId,
            line.Request.Nodes,
            Slot = result.Slot.Value,
            Version = result.Version.Value,
            result.UnixMs,
            FirstVersion = result.FirstVersion.Value,
            StateHash = result.StateHash.ToString("x16", CultureInfo.InvariantCulture),
            result.Keys,
            Rows = rows,
        });
    }

    private static void Write<T>(TextWriter output, T line)
    {
        output.WriteLine(JsonSerializer.Serialize(line, Json));
        output.Flush();
    }
}

using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using KvCloud.Consensus;
using KvCloud.Node.Configuration;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication.Restore;
using KvCloud.Node.Storage;

namespace KvCloud.Node.Offline;

/// <summary>The output and the exit code of a subcommand of this program.</summary>
internal static class SubcommandOutput
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    public static void WriteLine<T>(TextWriter output, T line)
    {
        output.WriteLine(JsonSerializer.Serialize(line, Json));
        output.Flush();
    }

    /// <summary>Writes the last line: the group that was created.</summary>
    public static void WriteResult(
        TextWriter output, string stage, RestoreRequest request, RestoreResult result, RestoredRows? rows = null) =>
        WriteLine(output, new
        {
            Stage = stage,
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

    /// <summary>Runs a subcommand. A refusal is one sentence on standard error.</summary>
    /// <returns>The exit code of the process.</returns>
    public static int Run(string subcommand, Action work, TextWriter error)
    {
        try
        {
            work();
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
            error.WriteLine($"the {subcommand} failed: {exception.Message}");
            return ExitCodes.Fatal;
        }
    }
}

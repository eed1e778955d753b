using System.Text.Json;
using System.Text.Json.Serialization;
using KvCloud.Consensus;
using KvCloud.Node.Configuration;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication.Restore;
using KvCloud.Node.Storage;

namespace KvCloud.Node;

/// <summary>How a verb of this program says what it does, and how it ends.</summary>
internal static class VerbOutput
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

    /// <summary>Runs it; why it was refused is one sentence on standard error.</summary>
    /// <returns>The exit code of the process.</returns>
    public static int Run(Action work, TextWriter error)
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
            error.WriteLine($"nothing was made: {exception.Message}");
            return ExitCodes.Fatal;
        }
    }
}

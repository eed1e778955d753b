using KvCloud.Node.Configuration;
using KvCloud.Node.Diagnostics;
using KvCloud.Node.Replication;
using KvCloud.Node.Storage;

namespace KvCloud.Node;

/// <summary>Runs the application and turns the way it ends into an exit code and one clear sentence.</summary>
internal static class NodeLifetime
{
    public static async Task<int> RunAsync(WebApplication app)
    {
        FatalStop fatal = app.Services.GetRequiredService<FatalStop>();
        try
        {
            app.Logger.LogEffectiveSettings(
                app.Services.GetRequiredService<NodeOptions>(), app.Services.GetRequiredService<NodeTopology>());
            app.Services.GetRequiredService<ReplicaStorage>();
            await app.RunAsync().ConfigureAwait(false);
            return fatal.ExitCode;
        }
        catch (DataDirectoryException exception)
        {
            return Say(exception.Message, ExitCodes.DataDirectory);
        }
        catch (Exception exception) when (exception is LogCorruptException or StoreCorruptException or InvalidDataException)
        {
            return Say($"this replica's data is damaged: {exception.Message}", ExitCodes.Fatal);
        }
        catch (IOException exception)
        {
            // A port that is taken, a disk that cannot be written.
            return Say(exception.Message, ExitCodes.Fatal);
        }
    }

    private static int Say(string sentence, int exitCode)
    {
        Console.Error.WriteLine(sentence);
        return exitCode;
    }
}

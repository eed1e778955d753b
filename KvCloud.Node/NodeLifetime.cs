using KvCloud.Node.Configuration;
using KvCloud.Node.Diagnostics;
using KvCloud.Node.History;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.State;
using KvCloud.Node.Storage;
using KvCloud.Node.Telemetry;
using Microsoft.AspNetCore.Connections;

namespace KvCloud.Node;

/// <summary>Runs the application and reports how it ended as an exit code and, on failure, one sentence.</summary>
internal static class NodeLifetime
{
    /// <param name="map">Adds the HTTP endpoints.</param>
    /// <param name="whileOpening">Runs until the application is built, in which the data directory is opened.</param>
    /// <returns>The exit code; null if another host is to run in this one's place.</returns>
    public static async Task<int?> RunAsync(
        WebApplicationBuilder builder,
        Action<WebApplication> map,
        Func<CancellationToken, Task>? whileOpening = null)
    {
        try
        {
            await using WebApplication app = await BuildAsync(builder, map, whileOpening).ConfigureAwait(false);
            FatalStop fatal = app.Services.GetRequiredService<FatalStop>();
            app.Logger.LogStart(
                app.Services.GetRequiredService<SettingsResult>(), app.Services.GetRequiredService<NodeTopology>());
            app.Services.GetRequiredService<EventHistory>().Add(new NodeEvent(
                EventTypes.Started, EventSeverities.Warning, $"this replica has started: KvCloud {NodeVersion.Text}")
            {
                NodeId = app.Services.GetRequiredService<NodeTopology>().SelfId,
            });
            HostRestart restart = app.Services.GetRequiredService<HostRestart>();
            using var signals = new StopSignals();
            BackgroundService[] background =
                [.. app.Services.GetServices<IHostedService>().OfType<BackgroundService>()];
            await app.RunAsync().ConfigureAwait(false);

            if (restart.IsRequested && !signals.HasCome && fatal.ExitCode == ExitCodes.Clean)
            {
                return null;
            }

            // The host stops without a failing exit code if a background service ends with an exception.
            return background.Any(service => service.ExecuteTask is { IsFaulted: true })
                ? ExitCodes.Fatal
                : fatal.ExitCode;
        }
        catch (DataDirectoryException exception)
        {
            return Report(exception.Message, ExitCodes.DataDirectory);
        }
        catch (Exception exception) when (exception is FeatureLevelException or UnknownFormatException)
        {
            return Report(exception.Message, ExitCodes.DataDirectory);
        }
        catch (Exception exception) when (
            exception is LogCorruptException or StoreCorruptException or InvalidDataException)
        {
            return Report($"this replica's data is corrupt: {exception.Message}", ExitCodes.Fatal);
        }
        catch (Exception exception) when (
            exception is LogFailedException or LogUnreadableException or StoreFailedException)
        {
            return Report($"this replica's disk cannot be used: {exception.Message}", ExitCodes.Fatal);
        }
        catch (IOException exception) when (exception.InnerException is AddressInUseException)
        {
            return Report($"{exception.Message} Another program listens there; see [listen].", ExitCodes.Configuration);
        }
        catch (IOException exception)
        {
            return Report(exception.Message, ExitCodes.Fatal);
        }
    }

    /// <summary>
    /// Building the application opens the data directory, because the listeners depend on everything that answers
    /// requests.
    /// </summary>
    private static async Task<WebApplication> BuildAsync(
        WebApplicationBuilder builder, Action<WebApplication> map, Func<CancellationToken, Task>? whileOpening)
    {
        using var opened = new CancellationTokenSource();
        Task meanwhile = whileOpening is null ? Task.CompletedTask : Task.Run(() => whileOpening(opened.Token));
        try
        {
            WebApplication app = builder.Build();
            map(app);
            return app;
        }
        finally
        {
            await opened.CancelAsync().ConfigureAwait(false);
            await meanwhile.ConfigureAwait(false);
        }
    }

    private static int Report(string sentence, int exitCode)
    {
        Console.Error.WriteLine(sentence);
        return exitCode;
    }
}

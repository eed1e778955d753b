using KvCloud.Node.Configuration;
using KvCloud.Node.Diagnostics;

namespace KvCloud.Node;

/// <summary>
/// Answers /health and /alive while the node recovers, when that takes longer than a moment: it is not ready, and it
/// lives. Whoever watches it would else take it for dead, and perhaps start it anew, which begins all over again.
/// </summary>
internal sealed class RecoveryHttp(
    NodeTopology topology, RecoveryProgress progress, HttpConnections connections)
{
    /// <summary>An ordinary start is over before.</summary>
    private static readonly TimeSpan StartsAfter = TimeSpan.FromSeconds(1);

    /// <summary>Runs until the node has recovered; the port is free again then.</summary>
    public async Task RunAsync(CancellationToken recovered)
    {
        await Task.Delay(StartsAfter, recovered).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (recovered.IsCancellationRequested)
        {
            return;
        }

        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions
        {
            ContentRootPath = AppContext.BaseDirectory,
            Args = ["--hostBuilder:reloadConfigOnChange=false"],
        });
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenNodeHttp(topology, connections));
        await using WebApplication app = builder.Build();
        app.MapGet("/health", () => Answer("unhealthy", progress.Description, StatusCodes.Status503ServiceUnavailable));
        app.MapGet("/alive", () => Answer("healthy", progress.Description, StatusCodes.Status200OK));
        try
        {
            await app.StartAsync(CancellationToken.None).ConfigureAwait(false);
        }
        catch (IOException)
        {
            // The port is taken: the node itself will say so.
            return;
        }

        await Task.Delay(Timeout.InfiniteTimeSpan, recovered).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await app.StopAsync(CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>In the form of the health reports that the node gives later.</summary>
    private IResult Answer(string status, string description, int code) => Results.Json(
        new
        {
            Status = status,
            Checks = new
            {
                Recovery = new
                {
                    Status = status,
                    Description = description,
                    Details = new { progress.AppliedSlot, progress.LastSlot },
                },
            },
        },
        NodeEndpoints.Json,
        statusCode: code);

    /// <summary>Signals mean the node, and end it here as they do without this server.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

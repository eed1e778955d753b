using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Microsoft.Extensions.Hosting;

/// <summary>
/// Shuts the telemetry providers down side by side and within <see cref="Limit"/> in all. Left to themselves each
/// flushes for up to five seconds, one after the other, and with OTEL_DOTNET_EXPERIMENTAL_OTLP_RETRY=in_memory, which
/// Aspire sets, they use all of it where the collector is gone.
/// </summary>
/// <remarks>
/// Asks for the providers when it is made, so the container disposes it before them, when everything has stopped; a
/// provider that was shut down does not flush again. A hosted service only so that the host makes it, also where its
/// start fails later.
/// </remarks>
internal sealed class TelemetryShutdown(IServiceProvider services) : IHostedService, IDisposable
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(1);

    private readonly TracerProvider? _traces = services.GetService<TracerProvider>();
    private readonly MeterProvider? _metrics = services.GetService<MeterProvider>();
    private readonly LoggerProvider? _logs = services.GetService<LoggerProvider>();

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
        int limitMs = (int)Limit.TotalMilliseconds;
        Thread[] flushes =
        [
            Begin(() => _traces?.Shutdown(limitMs)),
            Begin(() => _metrics?.Shutdown(limitMs)),
            Begin(() => _logs?.Shutdown(limitMs)),
        ];
        long deadlineTickMs = Environment.TickCount64 + limitMs;
        foreach (Thread flush in flushes)
        {
            flush.Join((int)Math.Max(0, deadlineTickMs - Environment.TickCount64));
        }
    }

    /// <summary>On a thread of its own: a pool that is short of threads would use up the time.</summary>
    private static Thread Begin(Action shutdown)
    {
        var thread = new Thread(() => shutdown()) { Name = "telemetry-shutdown", IsBackground = true };
        thread.Start();
        return thread;
    }
}

using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Microsoft.Extensions.Hosting;

/// <summary>
/// Shuts the telemetry providers down concurrently and within <see cref="Limit"/> in total. By default each flushes for
/// up to five seconds, one after the other. With OTEL_DOTNET_EXPERIMENTAL_OTLP_RETRY=in_memory, which Aspire sets, they
/// use all of that time if the collector is gone.
/// </summary>
/// <remarks>
/// Resolves the providers when it is created, so the container disposes it before them, after everything else has
/// stopped; a provider that was shut down does not flush again. It is a hosted service only so that the host creates
/// it, even if the start fails later.
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

    /// <summary>Uses a dedicated thread: an exhausted thread pool would use up the time.</summary>
    private static Thread Begin(Action shutdown)
    {
        var thread = new Thread(() => shutdown()) { Name = "telemetry-shutdown", IsBackground = true };
        thread.Start();
        return thread;
    }
}

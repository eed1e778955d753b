using System.Collections.Concurrent;
using System.Net;
using KvCloud.Node.History;
using KvCloud.Node.Replication;
using KvCloud.Node.Rpc;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Flows;
using KvCloud.Node.Rpc.Methods;
using KvCloud.Node.State;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace KvCloud.Tests.Node.Rpc;

/// <summary>A real Kestrel with the real connection handler on a free port, over any dispatcher.</summary>
internal sealed class RpcTestHost : IAsyncDisposable
{
    private readonly WebApplication _application;

    private RpcTestHost(WebApplication application, LogLines lines)
    {
        _application = application;
        Lines = lines;
        string address = application.Services.GetRequiredService<IServer>()
            .Features.Get<IServerAddressesFeature>()!.Addresses.First();
        Port = new Uri(address).Port;
    }

    public int Port { get; }

    /// <summary>What was logged, one string a line.</summary>
    public LogLines Lines { get; }

    public RpcServer Server => _application.Services.GetRequiredService<RpcServer>();

    public RpcBudget Budget => _application.Services.GetRequiredService<RpcBudget>();

    public RpcFlows Flows => _application.Services.GetRequiredService<RpcFlows>();

    public ScanPool Scans => _application.Services.GetRequiredService<ScanPool>();

    /// <summary>The store's own dispatcher.</summary>
    public KvDispatcher Dispatcher => (KvDispatcher)_application.Services.GetRequiredService<IRpcDispatcher>();

    public KvReader Reader => _application.Services.GetRequiredService<KvReader>();

    public SlowCalls Slow => _application.Services.GetRequiredService<SlowCalls>();

    public KeyHeat Heat => _application.Services.GetRequiredService<KeyHeat>();

    public RpcStatistics Statistics => _application.Services.GetRequiredService<RpcStatistics>();

    /// <param name="time">By which the server waits; the real time where there is none.</param>
    /// <param name="clock">By which it tells how long a message has been coming in.</param>
    public static Task<RpcTestHost> StartAsync(
        IRpcDispatcher dispatcher,
        RpcLimits? limits = null,
        FakeTimeProvider? time = null,
        IReplicaClock? clock = null) => StartAsync(
            services =>
            {
                services.AddSingleton(dispatcher);
                services.Replace(ServiceDescriptor.Singleton<TimeProvider>(time ?? TimeProvider.System));
                if (clock is not null)
                {
                    services.Replace(ServiceDescriptor.Singleton(clock));
                }
            },
            new RpcOptions { Limits = Pacing(limits ?? new RpcLimits(), clock) });

    /// <summary>By a clock that the test moves a pace would last for ever.</summary>
    private static RpcLimits Pacing(RpcLimits limits, IReplicaClock? clock) =>
        clock is null ? limits : limits with { MaxSchedulingDelayUs = 0 };

    public static async Task<RpcTestHost> StartAsync(Action<IServiceCollection> addDispatcher, RpcOptions options)
    {
        var lines = new LogLines();
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.Logging.AddProvider(lines);
        builder.Services.AddRpcServer(options);
        addDispatcher(builder.Services);
        builder.WebHost.ConfigureKestrel(
            kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.ListenForRpc()));
        WebApplication application = builder.Build();
        await application.StartAsync();
        return new RpcTestHost(application, lines);
    }

    public async ValueTask DisposeAsync()
    {
        Task stopping = _application.StopAsync();
        while (!stopping.IsCompleted && _application.Services.GetService<TimeProvider>() is FakeTimeProvider time)
        {
            // The drain waits by this time, which nobody else moves any more.
            time.Advance(TimeSpan.FromMinutes(1));
            await Task.WhenAny(stopping, Task.Delay(10));
        }

        await stopping;
        await _application.DisposeAsync();
    }

    internal sealed class LogLines : ILoggerProvider, ILogger
    {
        private readonly ConcurrentQueue<string> _lines = new();

        public IReadOnlyCollection<string> All => _lines;

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?,
            string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                _lines.Enqueue($"{logLevel}: {formatter(state, exception)} {exception}");
            }
        }

        public void Dispose()
        {
            // Nothing is held.
        }
    }
}

using System.Diagnostics;
using System.Globalization;
using KvCloud.Tests.Live;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace KvCloud.Tests.Node.Diagnostics;

[Collection(LiveCollection.Name)]
public sealed class ParentWatchTests : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly FakeLifetime _lifetime = new();

    public void Dispose() => _lifetime.Dispose();

    [Fact]
    public async Task ExecuteAsync_when_the_parent_is_gone_stops_the_program()
    {
        // A process that waits for its standard input, and is killed like an orchestrator would be.
        using Process parent = Process.Start(new ProcessStartInfo("cat") { RedirectStandardInput = true })!;
        using ParentWatch watch = Watch(parent.Id.ToString(CultureInfo.InvariantCulture));
        await watch.StartAsync(default);
        Assert.False(_lifetime.Stopped.IsCompleted);

        parent.Kill();

        await _lifetime.Stopped.WaitAsync(Deadline);
        await watch.StopAsync(default);
    }

    [Fact]
    public async Task ExecuteAsync_a_parent_that_is_long_gone_stops_the_program_at_once()
    {
        using Process parent = Process.Start(new ProcessStartInfo("true"))!;
        await parent.WaitForExitAsync().WaitAsync(Deadline);
        using ParentWatch watch = Watch(parent.Id.ToString(CultureInfo.InvariantCulture));

        await watch.StartAsync(default);

        await _lifetime.Stopped.WaitAsync(Deadline);
    }

    [Fact]
    public async Task ExecuteAsync_without_a_parent_ends_and_stops_nothing()
    {
        using ParentWatch watch = Watch(null);

        await watch.StartAsync(default);
        await watch.ExecuteTask!.WaitAsync(Deadline);

        Assert.Equal(0, _lifetime.StopCount);
    }

    [Fact]
    public async Task StopAsync_with_the_parent_alive_ends_the_watch()
    {
        using ParentWatch watch = Watch(Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        await watch.StartAsync(default);

        await watch.StopAsync(default).WaitAsync(Deadline);

        Assert.Equal(0, _lifetime.StopCount);
    }

    private ParentWatch Watch(string? pid)
    {
        IConfiguration configuration = new ConfigurationBuilder()
            .AddInMemoryCollection([new(ParentWatch.ProcessVariable, pid)])
            .Build();
        return new ParentWatch(configuration, _lifetime, TimeProvider.System, NullLogger<ParentWatch>.Instance);
    }
}

using System.Text;
using KvCloud.Node.Configuration;
using KvCloud.Node.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace KvCloud.Tests.Node.Diagnostics;

/// <summary>Puts something else in the place of standard output, so nothing else may run meanwhile.</summary>
[CollectionDefinition(nameof(NodeLoggingTests), DisableParallelization = true)]
public sealed class StandardOutput;

[Collection(nameof(NodeLoggingTests))]
public sealed class NodeLoggingTests
{
    [Theory]
    [InlineData(
        LogLevel.Information,
        1503,
        "node-1 leads",
        null,
        "2026-01-31T12:00:00.000Z info  ClusterManager[1503]: node-1 leads\n")]
    [InlineData(
        LogLevel.Critical, 0, "two\r\n  lines\n", null, "2026-01-31T12:00:00.000Z FATAL ClusterManager: two | lines\n")]
    [InlineData(LogLevel.Warning, 0, "odd", "it broke",
        "2026-01-31T12:00:00.000Z warn  ClusterManager: odd | System.InvalidOperationException: it broke\n")]
    public void Write_of_an_entry_is_one_line(
        LogLevel level, int id, string message, string? error, string expected)
    {
        NodeConsoleFormatter formatter =
            new(new FakeTimeProvider(new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero)));
        using StringWriter writer = new();

        formatter.Write(
            new LogEntry<string>(
                level, "KvCloud.Node.Cluster.ClusterManager", new EventId(id), message,
                error is null ? null : new InvalidOperationException(error), (state, _) => state),
            null,
            writer);

        Assert.Equal(expected, writer.ToString());
    }

    [Fact]
    public void NodeLogging_to_a_blocked_output_drops_lines_and_does_not_hang()
    {
        using BlockedWriter output = new();
        using ServiceProvider services = Services("info", output);
        ILogger logger = services.GetRequiredService<ILoggerFactory>().CreateLogger("KvCloud.Node.Test");
        Thread caller = new(() =>
        {
            for (int line = 0; line < 3 * NodeLogging.MaxQueuedLines; line++)
            {
                Say(logger, line);
            }
        })
        { IsBackground = true };

        caller.Start();

        Assert.True(caller.Join(TimeSpan.FromSeconds(60)), "logging waited for the blocked output");
        output.Unblock();
    }

    [Theory]
    [InlineData("debug", LogLevel.Debug, LogLevel.Debug)]
    [InlineData("info", LogLevel.Information, LogLevel.Warning)]
    [InlineData("error", LogLevel.Error, LogLevel.Error)]
    [InlineData("none", LogLevel.None, LogLevel.None)]
    public void AddNodeLogging_level_holds_and_frameworks_are_quieter(string name, LogLevel own, LogLevel frameworks)
    {
        using ServiceProvider services = Services(name, TextWriter.Null);
        ILoggerFactory factory = services.GetRequiredService<ILoggerFactory>();

        Assert.Equal(own, Least(factory.CreateLogger("KvCloud.Node.Test")));
        Assert.Equal(frameworks, Least(factory.CreateLogger("Microsoft.AspNetCore.Hosting")));
    }

    private static LogLevel Least(ILogger logger) =>
        Enum.GetValues<LogLevel>().First(level => level == LogLevel.None || logger.IsEnabled(level));

    private static void Say(ILogger logger, int line) =>
        logger.Log(LogLevel.Information, default, line, null, (number, _) => $"line {number}");

    private static ServiceProvider Services(string level, TextWriter output)
    {
        ServiceProvider services = new ServiceCollection()
            .AddLogging(logging => logging.AddNodeLogging(new LoggingOptions { LogLevel = level }))
            .BuildServiceProvider();
        TextWriter before = Console.Out;
        Console.SetOut(output);
        try
        {
            // The console logger takes standard output when it is made.
            services.GetRequiredService<ILoggerFactory>();
        }
        finally
        {
            Console.SetOut(before);
        }

        return services;
    }

    /// <summary>A full pipe that nobody reads.</summary>
    private sealed class BlockedWriter : TextWriter
    {
        private readonly ManualResetEventSlim _open = new();

        public override Encoding Encoding => Encoding.UTF8;

        public void Unblock() => _open.Set();

        public override void Write(char value) => _open.Wait();

        public override void Write(string? value) => _open.Wait();
    }
}

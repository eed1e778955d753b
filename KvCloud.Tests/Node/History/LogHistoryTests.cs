using KvCloud.Node.History;
using Microsoft.Extensions.Logging;

namespace KvCloud.Tests.Node.History;

public sealed class LogHistoryTests : IDisposable
{
    private readonly LogHistory _history = new(TimeProvider.System);

    public void Dispose() => _history.Dispose();

    [Fact]
    public void Read_of_a_level_leaves_out_what_is_below()
    {
        ILogger logger = _history.CreateLogger("KvCloud.Node.Test");
        Say(logger, LogLevel.Information, "one");
        Say(logger, LogLevel.Warning, "two");

        LogLine line = Assert.Single(_history.Read(after: 0, limit: 10, LogLevel.Warning).Items);

        Assert.Equal(("KvCloud.Node.Test", "two", 7), (line.Category, line.Message, line.Id.Id));
        Assert.Contains("it broke", line.Exception, StringComparison.Ordinal);
    }

    [Fact]
    public void CreateLogger_line_that_is_too_long_is_cut_off()
    {
        string tooLong = new('x', 10 * LogHistory.MaxLineLength);
        Say(_history.CreateLogger("Test"), LogLevel.Error, tooLong);

        LogLine line = Assert.Single(_history.Read(after: null, limit: 10, LogLevel.Trace).Items);

        Assert.Equal(LogHistory.MaxLineLength + 1, line.Message.Length);
    }

    private static void Say(ILogger logger, LogLevel level, string text)
    {
        var cause = new InvalidOperationException("it broke");
        logger.Log(level, new EventId(7, "Said"), text, cause, (state, _) => state);
    }
}

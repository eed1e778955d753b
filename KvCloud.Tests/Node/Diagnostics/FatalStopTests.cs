using KvCloud.Node.Configuration;
using KvCloud.Node.Diagnostics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace KvCloud.Tests.Node.Diagnostics;

public sealed class FatalStopTests : IDisposable
{
    private readonly FakeLifetime _lifetime = new();
    private readonly FakeTimeProvider _time = new();
    private readonly RecordingLog _log = new();
    private readonly List<int> _exits = [];
    private readonly FatalStop _stop;

    public FatalStopTests() =>
        _stop = new FatalStop(
            _lifetime, _time, new LoggerFactory([_log]).CreateLogger<FatalStop>(), _exits.Add);

    public void Dispose()
    {
        _stop.Dispose();
        _lifetime.Dispose();
    }

    [Fact]
    public void Stop_the_first_reason_gives_the_exit_code()
    {
        Assert.Equal(ExitCodes.Clean, _stop.ExitCode);

        _stop.Stop(ExitCodes.Fatal, "the disk refused a write");
        _stop.Stop(ExitCodes.DataDirectory, "and then something else");

        Assert.Equal(ExitCodes.Fatal, _stop.ExitCode);
        Assert.Equal(1, _lifetime.StopCount);
        Assert.Contains((LogLevel.Critical, "stopping: the disk refused a write"), _log.Lines);
        Assert.Contains((LogLevel.Critical, "stopping: and then something else"), _log.Lines);
    }

    [Fact]
    public void Stop_for_the_same_reason_again_is_logged_once()
    {
        _stop.Stop(ExitCodes.Removed, "node 3 was removed");
        _stop.Stop(ExitCodes.Removed, "node 3 was removed");

        Assert.Single(_log.Lines, (LogLevel.Critical, "stopping: node 3 was removed"));
        Assert.Equal(1, _lifetime.StopCount);
    }

    [Fact]
    public void Stop_that_hangs_ends_the_process_after_its_patience()
    {
        _stop.Stop(ExitCodes.Fatal, "the log is corrupt");
        _time.Advance(FatalStop.GracefulStopTimeout - TimeSpan.FromMilliseconds(1));
        Assert.Empty(_exits);

        _time.Advance(TimeSpan.FromMilliseconds(1));

        Assert.Equal([ExitCodes.Fatal], _exits);
    }

    [Fact]
    public void Stop_clean_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => _stop.Stop(ExitCodes.Clean, "no reason"));
    }
}

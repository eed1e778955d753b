using KvCloud.WebConsole;
using KvCloud.WebConsole.Sessions;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace KvCloud.Tests.WebConsole;

public sealed class WriteLockTests
{
    private readonly FakeTimeProvider _time = new();

    [Theory]
    [InlineData("Development", null, true)]
    [InlineData("Development", false, false)]
    [InlineData("Production", null, false)]
    [InlineData("Production", true, false)]
    [InlineData("Staging", true, false)]
    public void MayWrite_before_anybody_unlocks_is_for_development_alone(
        string environment, bool? allowed, bool expected) =>
        Assert.Equal(expected, Create(environment, allowed).MayWrite);

    [Fact]
    public void Unlock_lasts_for_a_while_and_the_write_itself_is_refused_after_it()
    {
        WriteLock writes = Create("Production", allowed: true);
        Assert.Throws<WritesLockedException>(writes.Demand);

        writes.Unlock();
        writes.Demand();
        _time.Advance(WriteLock.UnlockedFor - TimeSpan.FromSeconds(1));
        Assert.True(writes.MayWrite);
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.False(writes.MayWrite);
        Assert.Contains("unlock it", Assert.Throws<WritesLockedException>(writes.Demand).Message);
    }

    [Fact]
    public void Unlock_of_a_console_that_is_not_set_up_to_write_changes_nothing()
    {
        WriteLock writes = Create("Production", allowed: null);

        writes.Unlock();

        Assert.Contains("Console:AllowWrites", Assert.Throws<WritesLockedException>(writes.Demand).Message);
    }

    [Fact]
    public void Lock_takes_effect_at_once()
    {
        WriteLock writes = Create("Production", allowed: true);
        int changes = 0;
        writes.Changed += () => changes++;

        writes.Unlock();
        writes.Lock();

        Assert.False(writes.MayWrite);
        Assert.Equal(2, changes);
    }

    private WriteLock Create(string environment, bool? allowed) => new(
        Options.Create(new ConsoleOptions { AllowWrites = allowed }),
        new HostingEnvironment { EnvironmentName = environment },
        _time);
}

using Microsoft.Extensions.Options;

namespace KvCloud.WebConsole.Sessions;

/// <summary>
/// Whether this page may write. Outside of Development it may only where the console is set up to, and once somebody
/// has unlocked it on this page, for a while. The store's own rights hold beside it.
/// </summary>
public sealed class WriteLock(IOptions<ConsoleOptions> options, IHostEnvironment environment, TimeProvider time)
{
    /// <summary>After so long it is locked again.</summary>
    public static readonly TimeSpan UnlockedFor = TimeSpan.FromMinutes(15);

    private long? _unlockedAt;

    /// <summary>Raised when it is locked or unlocked by hand.</summary>
    public event Action? Changed;

    /// <summary>Whether the console is set up to write at all.</summary>
    public bool IsAllowed => options.Value.AllowWrites ?? environment.IsDevelopment();

    public bool NeedsUnlock => !environment.IsDevelopment();

    /// <summary>How long it stays unlocked; zero: it is locked.</summary>
    public TimeSpan Left
    {
        get
        {
            TimeSpan left = _unlockedAt is long at ? UnlockedFor - time.GetElapsedTime(at) : TimeSpan.Zero;
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    public bool MayWrite => IsAllowed && (!NeedsUnlock || Left > TimeSpan.Zero);

    public void Unlock()
    {
        _unlockedAt = time.GetTimestamp();
        Changed?.Invoke();
    }

    public void Lock()
    {
        _unlockedAt = null;
        Changed?.Invoke();
    }

    /// <summary>Asked at the write itself: a button may have been drawn before the time was over.</summary>
    /// <exception cref="WritesLockedException">This page may not write.</exception>
    public void Demand()
    {
        if (!MayWrite)
        {
            throw new WritesLockedException(IsAllowed
                ? "this page is read-only: unlock it in the bar above"
                : $"this console is read-only: {ConsoleOptions.Section}:{nameof(ConsoleOptions.AllowWrites)} is not"
                    + " set");
        }
    }
}

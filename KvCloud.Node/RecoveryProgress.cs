using System.Globalization;
using KvCloud.Consensus;
using KvCloud.Node.Replication;

namespace KvCloud.Node;

/// <summary>
/// How far a start has got: its log and its data store are opened, then what the log has beyond the data is applied.
/// With a long log that takes a while, in which nobody else could say what the node does. Any thread may read it.
/// </summary>
internal sealed class RecoveryProgress(TimeProvider time)
{
    private static readonly TimeSpan LogEvery = TimeSpan.FromSeconds(3);

    private readonly long _started = time.GetTimestamp();
    private long _lastLogged = time.GetTimestamp();
    private long _applied;
    private long _last;

    /// <summary>Where a line is written every few seconds; null: nowhere.</summary>
    public ILogger? Logger { get; set; }

    /// <summary>The last slot that is applied; 0 while nothing is.</summary>
    public long AppliedSlot => Interlocked.Read(ref _applied);

    /// <summary>The slot at which it will be done; 0 while that is not known.</summary>
    public long LastSlot => Interlocked.Read(ref _last);

    public string Description => LastSlot == 0
        ? "recovering, its log and its data store are being opened"
        : string.Create(CultureInfo.InvariantCulture, $"recovering, slot {AppliedSlot} of {LastSlot}");

    /// <summary>So much of what the log has is applied now.</summary>
    public void Replayed(Slot applied, Slot last)
    {
        Interlocked.Exchange(ref _last, last.Value);
        Interlocked.Exchange(ref _applied, applied.Value);
        bool isDone = applied == last && time.GetElapsedTime(_started) > LogEvery;
        if (Logger is not null && (isDone || time.GetElapsedTime(_lastLogged) > LogEvery))
        {
            _lastLogged = time.GetTimestamp();
            Logger.Replays(applied.Value, last.Value, time.GetElapsedTime(_started).TotalSeconds);
        }
    }
}

using KvCloud.Consensus;

namespace KvCloud.Node.Replication.Log;

/// <summary>What a log may be given otherwise than a replica in production has it.</summary>
internal sealed record SegmentedLogOptions
{
    public static readonly SegmentedLogOptions Default = new();

    /// <summary>
    /// Of a new file: whole pages. A segment ends before the group that would go beyond; a single larger group makes a
    /// larger file.
    /// </summary>
    public int SegmentSizeBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>
    /// Runs work that nobody waits for, the making of a spare, somewhere else than in the write that finds it due. Once
    /// the log is closed, work that was not begun does nothing.
    /// </summary>
    public Action<Action> RunLater { get; init; } = static work => _ = Task.Run(work);

    public void Check() => Invariant.Check(
        SegmentSizeBytes >= 2 * LogSegment.PageSizeBytes && SegmentSizeBytes % LogSegment.PageSizeBytes == 0,
        $"a segment has whole pages, two at least: {SegmentSizeBytes} bytes");
}

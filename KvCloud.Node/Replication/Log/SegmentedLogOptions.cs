using KvCloud.Consensus;

namespace KvCloud.Node.Replication.Log;

/// <summary>Options of a log that differ between production and tests.</summary>
internal sealed record SegmentedLogOptions
{
    public static readonly SegmentedLogOptions Default = new();

    /// <summary>
    /// Size of a new file, in whole pages. A segment ends before the group that would exceed it; a single larger group
    /// makes a larger file.
    /// </summary>
    public int SegmentSizeBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>
    /// Runs work that nobody waits for (making a spare) outside of the write that finds it due. Once the log is closed,
    /// work that was not begun does nothing.
    /// </summary>
    public Action<Action> RunLater { get; init; } = static work => _ = Task.Run(work);

    public void Check() => Invariant.Check(
        SegmentSizeBytes >= 2 * LogSegment.PageSizeBytes && SegmentSizeBytes % LogSegment.PageSizeBytes == 0,
        $"a segment consists of at least two whole pages, not of {SegmentSizeBytes} bytes");
}

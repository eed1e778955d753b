using KvCloud.Consensus;

namespace KvCloud.Node.Replication.Log;

/// <summary>
/// The durable memory of acceptor and learner: the promise, and one record a slot. One thread writes; any may read.
/// </summary>
internal interface IPaxosLog : IDisposable
{
    /// <summary>The highest ballot promised.</summary>
    Ballot Promised { get; }

    /// <summary>The last chosen slot that was noted; a lower bound after a crash.</summary>
    Slot ChosenSlot { get; }

    /// <summary>The lowest slot still held (trimming removes those below); Slot 1 for a new log.</summary>
    Slot FirstSlot { get; }

    /// <summary>The highest slot held; FirstSlot - 1 when empty.</summary>
    Slot LastSlot { get; }

    /// <summary>
    /// Writes all of <paramref name="writes"/> in one atomic, ordered group and returns when it is on disk. Throws
    /// <see cref="LogFailedException"/> when the disk did not take it: the node must stop, for what the disk holds now
    /// is unknown (fsyncgate).
    /// </summary>
    void Write(IReadOnlyList<Effects> writes);

    /// <summary>
    /// Entries from <paramref name="from"/> to <paramref name="to"/> (inclusive), stopping after about
    /// <paramref name="maxBytes"/> but never before the first; gaps are skipped.
    /// </summary>
    /// <exception cref="LogCorruptException">A record is damaged, or its file is gone.</exception>
    /// <exception cref="LogUnreadableException">The system refused to read for the moment; a later call may
    /// succeed.</exception>
    IReadOnlyList<LogEntry> Read(Slot from, Slot to, int maxBytes);

    /// <summary>Forgets entries below <paramref name="slot"/>.</summary>
    void TrimBelow(Slot slot);

    /// <summary>
    /// From which slot on the log takes up to this many bytes, as segments are dropped whole; <see cref="FirstSlot"/>
    /// where all of it does. To know it costs nothing.
    /// </summary>
    Slot FirstSlotWithin(long bytes);

    /// <summary>
    /// The data store has everything up to <paramref name="chosen"/> from elsewhere: notes durably, in one write, that
    /// all of it is chosen, and forgets entries up to there. The promise and every entry above stay as they are.
    /// </summary>
    void SkipTo(Slot chosen);

    /// <summary>
    /// Notes durably, apart from the log itself, how far it has got, so that a start finds out if its end is gone. To
    /// be called now and then; may run beside writes.
    /// </summary>
    void Mark();
}

/// <summary>The disk refused a write or a sync.</summary>
internal sealed class LogFailedException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// The log could not be read for the moment, as when the process has no file handle left or the disk refused a read.
/// What is on disk, and what is written next, is not touched by that.
/// </summary>
internal sealed class LogUnreadableException(string message, Exception inner) : Exception(message, inner);

/// <summary>What the disk holds is not what was written.</summary>
internal sealed class LogCorruptException(string message) : Exception(message);

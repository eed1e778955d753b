using KvCloud.Consensus;

namespace KvCloud.Node.Replication.Log;

/// <summary>
/// The durable state of the acceptor and the learner: the promise, and one record per slot. One thread writes; any may
/// read.
/// </summary>
internal interface IPaxosLog : IDisposable
{
    /// <summary>The highest ballot promised.</summary>
    Ballot Promised { get; }

    /// <summary>The last chosen slot that was recorded; after a crash it is a lower bound.</summary>
    Slot ChosenSlot { get; }

    /// <summary>The lowest slot still held (trimming removes those below); Slot 1 for a new log.</summary>
    Slot FirstSlot { get; }

    /// <summary>The highest slot held; FirstSlot - 1 when empty.</summary>
    Slot LastSlot { get; }

    /// <summary>
    /// Writes all of <paramref name="writes"/> as one atomic, ordered group and returns once it is on disk. Throws
    /// <see cref="LogFailedException"/> if the disk did not accept it: the node must stop, because what the disk holds
    /// is then unknown (fsyncgate).
    /// </summary>
    void Write(IReadOnlyList<Effects> writes);

    /// <summary>
    /// Entries from <paramref name="from"/> to <paramref name="to"/> (inclusive), stopping after about
    /// <paramref name="maxBytes"/> but never before the first; gaps are skipped.
    /// </summary>
    /// <exception cref="LogCorruptException">A record is damaged, or its file is missing.</exception>
    /// <exception cref="LogUnreadableException">The operating system refused the read; a later call may
    /// succeed.</exception>
    IReadOnlyList<LogEntry> Read(Slot from, Slot to, int maxBytes);

    /// <summary>Forgets entries below <paramref name="slot"/>.</summary>
    void TrimBelow(Slot slot);

    /// <summary>
    /// The first slot from which on the log takes up to this many bytes, in whole segments; <see cref="FirstSlot"/> if
    /// all of it does. Reads nothing from the disk.
    /// </summary>
    Slot FirstSlotWithin(long bytes);

    /// <summary>
    /// The data store has everything up to <paramref name="chosen"/> from a snapshot: records durably, in one write,
    /// that all of it is chosen, and drops entries up to there. The promise and every entry above stay.
    /// </summary>
    void SkipTo(Slot chosen);

    /// <summary>
    /// Durably records, outside the log itself, how far the log has got, so that the next start notices if the log's
    /// end is missing. Called periodically; may run in parallel with writes.
    /// </summary>
    void Mark();

    /// <summary>Bytes of the segments that are no longer written.</summary>
    long SealedBytes { get; }

    /// <summary>
    /// Scrubs the next part of those segments: reads it from the disk again and verifies its checksums. May run beside
    /// everything else.
    /// </summary>
    /// <returns>The number of bytes read; 0 at the end.</returns>
    /// <exception cref="LogCorruptException">A checksum fails, or the disk cannot read the part.</exception>
    /// <exception cref="LogUnreadableException">The operating system refused the read; a later call may
    /// succeed.</exception>
    int Check(ref LogPlace place);
}

/// <summary>The disk refused a write or a sync.</summary>
internal sealed class LogFailedException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// The log could not be read at the moment, for example because the process has no file handle left or the disk refused
/// a read. What is on disk, and what is written next, is unaffected.
/// </summary>
internal sealed class LogUnreadableException(string message, Exception inner) : Exception(message, inner);

/// <summary>The disk does not hold what was written.</summary>
internal sealed class LogCorruptException(string message) : Exception(message);

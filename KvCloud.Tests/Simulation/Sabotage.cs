namespace KvCloud.Tests.Simulation;

/// <summary>
/// Ways to break the world around the production core on purpose. Each must be found by a checker: a simulator that
/// finds nothing proves nothing before it has shown that it would.
/// </summary>
internal enum Sabotage
{
    None = 0,

    /// <summary>What may be said only after the log write is durable is said at once.</summary>
    SpeaksBeforePersist,

    /// <summary>The disk forgets the last synced write in a crash.</summary>
    DiskLosesSyncedWrites,

    /// <summary>The promise, and nothing else, is forgotten in a crash.</summary>
    DiskLosesPromise,

    /// <summary>Clocks drift apart by more than the lease's margin.</summary>
    ClocksDriftBeyondMargin,

    /// <summary>Now and then a chosen slot is not applied.</summary>
    SkipsSlot,

    /// <summary>After a restart the last applied slot is applied once more.</summary>
    AppliesTwice,

    /// <summary>Leader reads ask whether this node leads, not whether its lease holds.</summary>
    ReadsWithoutLease,

    /// <summary>Leader reads do not wait for what a follower may have shown already.</summary>
    LeaderReadsBeforeApplied,

    /// <summary>Reads with a read index do not wait until it is applied.</summary>
    ReadsBeforeIndexApplied,

    /// <summary>Read index ids begin anew with each start of a node.</summary>
    ReusesReadIds,

    /// <summary>Promises to an older ballot are handed to the candidate as ones to its newest.</summary>
    CountsStalePromises,

    /// <summary>Chosen entries are read from the log before they are written there.</summary>
    CatchUpReadsAheadOfLog,

    /// <summary>A node takes what its data has for what its log knows to be chosen.</summary>
    RestoresFromData,

    /// <summary>A node comes back without its accepted entries and promise, under its old identity.</summary>
    DiskIsWiped,

    /// <summary>A write that lost its slot is answered as done.</summary>
    AnswersWithoutOrigin,

    /// <summary>Transactions do not tell what they have read: nothing is found to be in conflict.</summary>
    CommitsWithoutConflictKeys,

    /// <summary>A read at a version is answered with what there is, before that version is applied.</summary>
    SnapshotReadsBeforeApplied,

    /// <summary>A client sends again what was not answered as if it were something new.</summary>
    ResendsAsNew,

    /// <summary>The remembered answers of sessions are lost in a crash.</summary>
    AnswersAreForgotten,
}

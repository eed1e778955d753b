namespace KvCloud.Node.Replication.Workers;

/// <summary>The workers of a replica. Each has its own thread and its own <see cref="IWork"/>.</summary>
internal enum Station
{
    /// <summary>Steps the consensus core. Never touches a disk.</summary>
    Consensus = 0,

    /// <summary>Writes the log and syncs it.</summary>
    Log = 1,

    /// <summary>Applies chosen slots to the data store.</summary>
    Apply = 2,

    /// <summary>Reads the log for replicas that are behind.</summary>
    CatchUp = 3,

    /// <summary>Flushes the data store and trims the log.</summary>
    Trim = 4,

    /// <summary>Sends forwarded writes and the answers to them.</summary>
    Forward = 5,

    /// <summary>Makes snapshots of the data store, and serves them.</summary>
    Snapshots = 6,

    /// <summary>Fetches a snapshot.</summary>
    Incoming = 7,

    /// <summary>Has damaged data made anew.</summary>
    Rebuild = 8,

    /// <summary>Reads log and data again, to find damage before anybody else meets it.</summary>
    Scrub = 9,
}

/// <summary>Why a worker runs.</summary>
internal enum RunReason
{
    /// <summary>Another worker's or a peer's thread brought work and runs it to completion.</summary>
    Inline = 0,

    /// <summary>The worker's own thread was woken, or has just finished a run.</summary>
    Woken = 1,

    /// <summary>The worker's own thread has slept for <see cref="IWork.MaxSleepMs"/>.</summary>
    TimedOut = 2,
}

/// <summary>
/// The work of one worker. It runs on one thread at a time, mostly the worker's own; <see cref="IWorkers"/> decides
/// which thread runs it, and when. A run is Begin, Execute, Complete: in between, the simulator advances time and
/// injects crashes.
/// </summary>
internal interface IWork
{
    /// <summary>How long the worker's thread sleeps unless woken; Timeout.Infinite for ever.</summary>
    int MaxSleepMs { get; }

    /// <summary>Whether a run would find work to do. Any thread.</summary>
    bool IsDue(RunReason reason);

    /// <summary>Takes the work to do. False when there is none: the run ends here.</summary>
    bool TryBegin(RunReason reason);

    /// <summary>Does the work. Only here may a worker wait for a disk.</summary>
    void Execute();

    /// <summary>
    /// Notifies whoever waited for the work, and returns which other workers now have something to do.
    /// </summary>
    FollowUp Complete();

    /// <summary>
    /// The replica has failed and no further run begins: answers everybody who still waits. Called once.
    /// </summary>
    void Abandon();
}

/// <summary>Whether a worker has something to do, and which thread may do it.</summary>
internal enum Due
{
    No = 0,

    /// <summary>
    /// Small and alone: a thread with spare time runs it to completion instead of waking the worker's own.
    /// </summary>
    Inline = 1,

    /// <summary>The worker's own thread must do it.</summary>
    OwnThread = 2,
}

/// <summary>The work that a run leaves for other workers.</summary>
/// <param name="SleepsShorter">The worker's own thread must read <see cref="IWork.MaxSleepMs"/> again.</param>
internal readonly record struct FollowUp(Due Consensus, Due Log, Due Apply, bool SleepsShorter = false);

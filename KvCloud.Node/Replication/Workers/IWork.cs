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
}

/// <summary>What made a worker run.</summary>
internal enum RunReason
{
    /// <summary>A thread of somebody else brought work and runs it to completion.</summary>
    Inline = 0,

    /// <summary>The worker's own thread was woken, or has just finished a run.</summary>
    Woken = 1,

    /// <summary>The worker's own thread has slept for <see cref="IWork.MaxSleepMs"/>.</summary>
    TimedOut = 2,
}

/// <summary>
/// What one worker does. It runs on one thread at a time, mostly the worker's own; who that is, and when, is up to
/// <see cref="IWorkers"/>. A run is Begin, Execute, Complete: the simulator lets time pass, and crashes come, in
/// between.
/// </summary>
internal interface IWork
{
    /// <summary>How long the worker's thread sleeps while nobody wakes it; Timeout.Infinite for ever.</summary>
    int MaxSleepMs { get; }

    /// <summary>Whether a run would find something to do. Any thread.</summary>
    bool IsDue(RunReason reason);

    /// <summary>Takes what is to be done. False when there is nothing: the run ends here.</summary>
    bool TryBegin(RunReason reason);

    /// <summary>Does it. Only here a worker may wait for a disk.</summary>
    void Execute();

    /// <summary>Tells who waited for it, and which other workers have something to do now.</summary>
    FollowUp Complete();

    /// <summary>
    /// The replica has failed and no run will begin any more: answers whoever still waits. Called once.
    /// </summary>
    void Abandon();
}

/// <summary>Whether a worker has something to do, and who may do it.</summary>
internal enum Due
{
    No = 0,

    /// <summary>
    /// Small and alone: a thread that has time runs it to completion instead of waking the worker's own.
    /// </summary>
    Inline = 1,

    /// <summary>The worker's own thread does it.</summary>
    OwnThread = 2,
}

/// <summary>What a run leaves to be done by other workers.</summary>
/// <param name="SleepsShorter">The worker's own thread must look at <see cref="IWork.MaxSleepMs"/> again.</param>
internal readonly record struct FollowUp(Due Consensus, Due Log, Due Apply, bool SleepsShorter = false);

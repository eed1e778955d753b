namespace KvCloud.Node.Replication.Workers;

/// <summary>What a thread has time for after the run that it takes on.</summary>
internal enum InlineWork
{
    None = 0,

    /// <summary>A log write that is small and alone.</summary>
    Log = 1,

    /// <summary>Applying a slot that holds a single write.</summary>
    Apply = 2,
}

/// <summary>
/// Lets the workers of one replica run: in production on threads (<see cref="ThreadWorkers"/>), in the simulator as
/// events of which the seed decides which comes next.
/// </summary>
/// <remarks>
/// Of one worker there is never more than one run at a time. Work that was added before a call to <see cref="Wake"/> or
/// <see cref="RunInline"/> is seen by a run that begins after the call, whoever does it.
/// </remarks>
internal interface IWorkers : IDisposable
{
    /// <summary>To be called for each worker before <see cref="Start"/>.</summary>
    void Add(Station station, IWork work);

    void Start();

    /// <summary>Has the worker's own thread run soon. Any thread.</summary>
    void Wake(Station station);

    /// <summary>
    /// Runs the worker on this thread until nothing is due, unless a run is on its way, of another thread or above
    /// this very call: that one is followed by another look. Any thread.
    /// </summary>
    /// <param name="allowed">What the thread has time for afterwards.</param>
    void RunInline(Station station, InlineWork allowed);

    /// <summary>Lets the worker finish what is due and ends it. It never runs again.</summary>
    void Stop(Station station);
}

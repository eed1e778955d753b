namespace KvCloud.Node.Replication.Workers;

/// <summary>The follow-up work that a thread may do after the run it takes on.</summary>
internal enum InlineWork
{
    None = 0,

    /// <summary>A log write that is small and alone.</summary>
    Log = 1,

    /// <summary>Applying a slot that holds a single write.</summary>
    Apply = 2,
}

/// <summary>
/// Runs the workers of one replica: on threads in production (<see cref="ThreadWorkers"/>), in the simulator as events
/// whose order the seed decides.
/// </summary>
/// <remarks>
/// A worker never has more than one run at a time. Work that was added before a call to <see cref="Wake"/> or
/// <see cref="RunInline"/> is seen by a run that begins after the call, on whichever thread.
/// </remarks>
internal interface IWorkers : IDisposable
{
    /// <summary>Called for each worker before <see cref="Start"/>.</summary>
    void Add(Station station, IWork work);

    void Start();

    /// <summary>Makes the worker's own thread run soon. Any thread.</summary>
    void Wake(Station station);

    /// <summary>
    /// Runs the worker on this thread until nothing is due, unless it is already running on another thread or further
    /// up this call stack: that run then checks for work once more. Any thread.
    /// </summary>
    /// <param name="allowed">The follow-up work that the thread may do.</param>
    void RunInline(Station station, InlineWork allowed);

    /// <summary>Lets the worker finish what is due, and ends it. It never runs again.</summary>
    void Stop(Station station);
}

namespace KvCloud.Bench.Load;

/// <summary>A load in progress.</summary>
internal abstract class LoadRun : IDisposable
{
    /// <summary>
    /// The merged measurements of all loops once they have ended; fails with the first loop that fails.
    /// </summary>
    public abstract Task<LatencyRecorder> Completion { get; }

    /// <summary>Calls answered so far, warm-up included; an estimate while the run lasts.</summary>
    public abstract long Completed { get; }

    public abstract void Dispose();
}

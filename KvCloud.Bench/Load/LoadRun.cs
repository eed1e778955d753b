namespace KvCloud.Bench.Load;

/// <summary>A load under way.</summary>
internal abstract class LoadRun : IDisposable
{
    /// <summary>What all loops saw, once they have ended; fails with the first of them that fails.</summary>
    public abstract Task<LatencyRecorder> Completion { get; }

    /// <summary>Calls answered so far, warm-up included; an estimate while the run lasts.</summary>
    public abstract long Completed { get; }

    public abstract void Dispose();
}

using KvCloud.Consensus;

namespace KvCloud.Node.Replication;

/// <summary>
/// Linearizable reads that share one read index. Those that come while it is open join it; it closes when the consensus
/// loop takes it up, so every one of its reads began before its read index was asked for.
/// </summary>
/// <param name="gate">Held while joining and closing.</param>
internal sealed class ReadBatch(Lock gate)
{
    private readonly TaskCompletionSource<ReadIndexResult> _outcome =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Whether the read index has been asked for. Read under the gate.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>Environment.TickCount64 just before the read index was asked for.</summary>
    public long AskedTickMs { get; private set; }

    public Task<ReadIndexResult> Outcome => _outcome.Task;

    public void Close(long nowTickMs)
    {
        AskedTickMs = nowTickMs;
        lock (gate)
        {
            IsClosed = true;
        }
    }

    public void Complete(ReadIndexResult result) => _outcome.TrySetResult(result);
}

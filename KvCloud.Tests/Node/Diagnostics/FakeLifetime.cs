using Microsoft.Extensions.Hosting;

namespace KvCloud.Tests.Node.Diagnostics;

/// <summary>A host's lifetime that only remembers that it was asked to stop.</summary>
internal sealed class FakeLifetime : IHostApplicationLifetime, IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when somebody asks to stop.</summary>
    public Task Stopped => _stopped.Task;

    public int StopCount { get; private set; }

    public CancellationToken ApplicationStarted => CancellationToken.None;

    public CancellationToken ApplicationStopping => _stopping.Token;

    public CancellationToken ApplicationStopped => CancellationToken.None;

    public void StopApplication()
    {
        StopCount++;
        _stopped.TrySetResult();
    }

    public void Dispose() => _stopping.Dispose();
}

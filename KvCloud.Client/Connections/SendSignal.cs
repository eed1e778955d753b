using System.Threading.Tasks.Sources;

namespace KvCloud.Client.Connections;

/// <summary>
/// Wakes the send loop. When more calls are likely to follow at once, it does so through the thread pool's global
/// queue: calls started by the answers of one receive are then encoded before the send starts, and leave in one send.
/// </summary>
internal sealed class SendSignal : IValueTaskSource, IThreadPoolWorkItem
{
    private ManualResetValueTaskSourceCore<bool> _core;

    public ValueTask WaitAsync() => new(this, _core.Version);

    public void WakeHere() => _core.SetResult(true);

    public void WakeSoon() => ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);

    void IThreadPoolWorkItem.Execute() => _core.SetResult(true);

    void IValueTaskSource.GetResult(short token)
    {
        _core.GetResult(token);
        _core.Reset();
    }

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}

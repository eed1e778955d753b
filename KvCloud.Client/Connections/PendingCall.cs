using System.Threading.Tasks.Sources;
using KvCloud.Client.Wire;

namespace KvCloud.Client.Connections;

/// <summary>
/// One call in flight. The object is reused for the next call in the same place of the connector's table. Each use is
/// completed exactly once, by whoever takes it out of the table under the connector's lock.
/// </summary>
internal sealed class PendingCall : IValueTaskSource<Reply>
{
    private readonly Connector _owner;
    private ManualResetValueTaskSourceCore<Reply> _core = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _cancellation;

    public PendingCall(Connector owner, int place)
    {
        _owner = owner;
        Place = place;
    }

    /// <summary>Its index in the table: the low half of its sequence ids.</summary>
    public int Place { get; }

    /// <summary>Guarded by the connector's lock, as are the next four.</summary>
    public bool IsInFlight { get; set; }

    public int SequenceId { get; set; }

    public ReplyLayout Layout { get; set; }

    public long DeadlineTickMs { get; set; }

    /// <summary>
    /// Number of the send that carries it. If it is later than the last send the connector has started, the call was
    /// never sent.
    /// </summary>
    public long SendNumber { get; set; }

    public ValueTask<Reply> Task => new(this, _core.Version);

    public void WatchCancellation(CancellationToken cancellationToken)
    {
        if (cancellationToken.CanBeCanceled)
        {
            _cancellation = cancellationToken.UnsafeRegister(
                static (state, token) =>
                {
                    var call = (PendingCall)state!;
                    call._owner.CancelCall(call, token);
                },
                this);
        }
    }

    public void Complete(in Reply reply) => _core.SetResult(reply);

    public void Fail(Exception exception) => _core.SetException(exception);

    Reply IValueTaskSource<Reply>.GetResult(short token)
    {
        // Waits for a running callback, which could otherwise cancel the next call in this place.
        _cancellation.Dispose();
        _cancellation = default;
        try
        {
            return _core.GetResult(token);
        }
        finally
        {
            _core.Reset();
            _owner.Release(this);
        }
    }

    ValueTaskSourceStatus IValueTaskSource<Reply>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<Reply>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}

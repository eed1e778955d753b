namespace KvCloud.Node.Rpc.Connections;

/// <summary>
/// A call's place in its connection's queue. A struct inside the call, so that a call is a single object.
/// </summary>
internal struct CallTicket
{
    private CallQueue? _queue;
    private long _index;
    private volatile bool _isReady;

    public readonly bool IsReady => _isReady;

    public void Take(CallQueue queue, long index)
    {
        _index = index;
        _queue = queue;
    }

    /// <summary>Called from any thread, once, after the answer is where WriteAnswer finds it. Never blocks.</summary>
    public void MarkReady()
    {
        MarkReadyQuietly();
        Announce(isAlone: false);
    }

    /// <summary>
    /// Like <see cref="MarkReady"/>, but does not wake the queue: <see cref="Announce"/> follows. A holder of the
    /// output lock that comes by in between may already answer the call.
    /// </summary>
    public void MarkReadyQuietly() => _isReady = true;

    /// <summary>See <see cref="CallQueue.OnReady"/>. Idempotent.</summary>
    public readonly void Announce(bool isAlone) => _queue!.OnReady(_index, isAlone);
}

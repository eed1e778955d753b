namespace KvCloud.Node.Rpc.Connections;

/// <summary>A call's place in its connection's queue. A field of the call, so that a call is one object.</summary>
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

    /// <summary>From any thread, once, after the answer was put where WriteAnswer finds it. Never blocks.</summary>
    public void MarkReady()
    {
        MarkReadyQuietly();
        Announce(isAlone: false);
    }

    /// <summary>
    /// As <see cref="MarkReady"/>, but <see cref="Announce"/> is still to come; whoever writes meanwhile may answer it.
    /// </summary>
    public void MarkReadyQuietly() => _isReady = true;

    /// <summary>See <see cref="CallQueue.OnReady"/>. More than once does no harm.</summary>
    public readonly void Announce(bool isAlone) => _queue!.OnReady(_index, isAlone);
}

using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Node.Tracing;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Connections;

/// <summary>
/// The calls of one connection that are not answered yet, in the order in which they came, which is the order in which
/// their answers leave.
/// </summary>
/// <remarks>
/// <para>
/// Calls become ready in any order and on any thread. Whoever holds the <em>pen</em> may write into the output: either
/// the connection's reader, for as long as it works through what has come in, or, when the oldest call becomes ready and
/// nobody holds the pen, a thread-pool item that is queued then, or the thread that made ready a lone call. The holder
/// writes every finished call at the front and sends them together. A call that becomes ready behind an unfinished one wakes nobody.
/// </para>
/// <para>
/// No wake-up is lost: a call becoming ready writes its flag and then reads the head and the pen; the holder advances
/// the head and then reads the flag, with a full fence between the two steps on either side.
/// </para>
/// </remarks>
internal sealed class CallQueue : IThreadPoolWorkItem
{
    private const int InitialCapacity = 16;
    private const int SendThresholdBytes = 64 * 1024;

    private const int PenFree = 0;
    private const int PenPromised = 1;
    private const int PenHeld = 2;
    private const int PenHeldAndWanted = 3;
    private const int PenGone = 4;

    private readonly Lock _gate = new();
    private readonly AnswerWriter _output;
    private readonly Socket _socket;
    private readonly RpcBudget _budget;
    private readonly RpcStatistics _statistics;
    private readonly Action<Exception> _onBroken;
    private readonly Action _onSent;
    private readonly TaskCompletionSource _gone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IPendingCall?[] _ring = new IPendingCall?[InitialCapacity];
    private long _head;
    private long _tail;
    private int _pen;
    private volatile bool _isAbandoned;
    private ValueTaskAwaiter<int> _send;
    private TaskCompletionSource? _roomWaiter;
    private int _roomWanted;

    /// <param name="onBroken">Told once or more, from any thread, that answers can no longer be written.</param>
    public CallQueue(AnswerWriter output, Socket socket, RpcBudget budget, RpcStatistics statistics, Action<Exception> onBroken)
    {
        _output = output;
        _socket = socket;
        _budget = budget;
        _statistics = statistics;
        _onBroken = onBroken;
        _onSent = OnSent;
    }

    /// <summary>Calls waiting. Exact for the reader, which alone adds calls, as an upper bound.</summary>
    public int Count => (int)(Volatile.Read(ref _tail) - Volatile.Read(ref _head));

    /// <summary>Adds a call at the end; it is started afterwards with the index returned. Reader only.</summary>
    /// <exception cref="IOException">Answers can no longer be written.</exception>
    public long Enqueue(IPendingCall call)
    {
        lock (_gate)
        {
            if (_isAbandoned)
            {
                throw new IOException("the client closed the connection");
            }
            _budget.Charge(call.ChargedBytes);
            if (_tail - _head == _ring.Length)
            {
                Grow();
            }
            _ring[_tail & (_ring.Length - 1)] = call;
            return _tail++;
        }
    }

    /// <summary>
    /// The call at <paramref name="index"/> has become ready, and perhaps others, which are told of later: what is ready by now
    /// is written together. Any thread; never blocks for long or throws.
    /// </summary>
    /// <param name="isAlone">Nothing else becomes ready with it: it is answered on this thread, if nobody holds the pen.</param>
    public void OnReady(long index, bool isAlone)
    {
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _head) != index)
        {
            return;
        }
        if (isAlone && Interlocked.CompareExchange(ref _pen, PenHeld, PenFree) == PenFree)
        {
            GiveBackPen();
            return;
        }
        WantPen();
    }

    /// <summary>Takes the pen unless somebody is writing. Reader only.</summary>
    public bool TryTakePen() =>
        Interlocked.CompareExchange(ref _pen, PenHeld, PenFree) == PenFree
        || Interlocked.CompareExchange(ref _pen, PenHeld, PenPromised) == PenPromised;

    /// <summary>The holder of the pen looks after calls that have become ready meanwhile.</summary>
    public void WriteIfWanted()
    {
        if (Volatile.Read(ref _pen) == PenHeldAndWanted)
        {
            Volatile.Write(ref _pen, PenHeld);
            Interlocked.MemoryBarrier();
            WriteReadyCalls();
        }
    }

    /// <summary>Whether the holder of the pen should give it back, so that what waits is sent, before it writes on.</summary>
    public bool IsSendDue => _output.Unsent.Length >= SendThresholdBytes;

    /// <summary>
    /// Writes what is ready, sends it, and gives the pen back. If the client is slow to read its answers the pen stays
    /// away until the socket has taken them.
    /// </summary>
    public void GiveBackPen()
    {
        try
        {
            while (WriteReadyCallsAndSend())
            {
                if (_isAbandoned)
                {
                    Leave();
                    return;
                }
                if (Interlocked.CompareExchange(ref _pen, PenFree, PenHeld) == PenHeld)
                {
                    // Whoever abandons the queue while the pen is free takes it himself.
                    return;
                }
                Volatile.Write(ref _pen, PenHeld);
                Interlocked.MemoryBarrier();
            }
        }
        catch (Exception exception)
        {
            Break(exception);
        }
    }

    /// <summary>Completes when at most <paramref name="count"/> calls wait, or none ever will be answered. Reader only.</summary>
    public Task WaitUntilAtMostAsync(int count)
    {
        lock (_gate)
        {
            if (_tail - _head <= count || _isAbandoned)
            {
                return Task.CompletedTask;
            }
            _roomWanted = count;
            _roomWaiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _roomWaiter.Task;
        }
    }

    /// <summary>Completes after <see cref="Abandon"/>, when nobody will write into the output any more.</summary>
    public Task Gone => _gone.Task;

    /// <summary>Forgets the calls still waiting. Any thread.</summary>
    public void Abandon()
    {
        _isAbandoned = true;
        Interlocked.MemoryBarrier();
        WantPen();
    }

    void IThreadPoolWorkItem.Execute()
    {
        // Otherwise the reader was faster, and writes what this item was queued for.
        if (Interlocked.CompareExchange(ref _pen, PenHeld, PenPromised) == PenPromised)
        {
            GiveBackPen();
        }
    }

    private void WantPen()
    {
        while (true)
        {
            var pen = Volatile.Read(ref _pen);
            switch (pen)
            {
                case PenFree:
                    if (Interlocked.CompareExchange(ref _pen, PenPromised, PenFree) == PenFree)
                    {
                        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
                        return;
                    }
                    break;
                case PenHeld:
                    if (Interlocked.CompareExchange(ref _pen, PenHeldAndWanted, PenHeld) == PenHeld)
                    {
                        return;
                    }
                    break;
                default:
                    return;
            }
        }
    }

    /// <summary>False when a send is under way, which will go on with the pen when it is through.</summary>
    /// <remarks>
    /// On this very thread, straight into the socket, which nearly always takes it at once: a change of threads, which
    /// Kestrel's output pipe would make here, costs more than the send. What is written is sent even if the connection ends
    /// meanwhile: a client that has said all it had to say still gets its answers.
    /// </remarks>
    [SuppressMessage("Reliability", "CA2012", Justification = "Its result is taken once, in EndSend.")]
    private bool WriteReadyCallsAndSend()
    {
        while (true)
        {
            WriteReadyCalls();
            if (_output.Unsent.IsEmpty)
            {
                return true;
            }
            var send = _socket.SendAsync(_output.Unsent, SocketFlags.None, CancellationToken.None).GetAwaiter();
            if (!send.IsCompleted)
            {
                _send = send;
                send.UnsafeOnCompleted(_onSent);
                return false;
            }
            EndSend(send);
        }
    }

    private void OnSent()
    {
        try
        {
            EndSend(_send);
        }
        catch (Exception exception)
        {
            Break(exception);
            return;
        }
        GiveBackPen();
    }

    private void EndSend(ValueTaskAwaiter<int> send)
    {
        _send = default;
        send.GetResult();
        _output.Clear();
    }

    /// <summary>The output is broken, and so is the connection; the calls under way are forgotten.</summary>
    private void Break(Exception exception)
    {
        _isAbandoned = true;
        Forget();
        Leave();
        _onBroken(exception is SocketException or ObjectDisposedException
            ? new IOException($"answers can no longer be sent: {exception.Message}", exception)
            : exception);
    }

    /// <summary>The pen is taken for good.</summary>
    private void Leave()
    {
        _output.Clear();
        Volatile.Write(ref _pen, PenGone);
        _gone.TrySetResult();
    }

    private void WriteReadyCalls()
    {
        if (_isAbandoned)
        {
            Forget();
            return;
        }
        var answered = 0;
        long releasedBytes = 0;
        while (!IsSendDue && PeekReady() is { } call)
        {
            var code = call.WriteAnswer(_output);
            _statistics.Record(call.Method, code, call.ReceivedTimestamp);
            EndSpan(call, code);
            releasedBytes += call.ChargedBytes;
            answered++;
            Dequeue();
        }
        if (answered > 0)
        {
            _budget.Release(answered, releasedBytes);
        }
    }

    private static void EndSpan(IPendingCall call, ErrorCode code)
    {
        if (call.Span is { } span)
        {
            NodeTracing.End(span, code);
        }
    }

    private IPendingCall? PeekReady()
    {
        Interlocked.MemoryBarrier();
        lock (_gate)
        {
            var call = _head == _tail ? null : _ring[_head & (_ring.Length - 1)];
            return call is { IsReady: true } ? call : null;
        }
    }

    private void Dequeue()
    {
        TaskCompletionSource? waiter = null;
        lock (_gate)
        {
            _ring[_head & (_ring.Length - 1)] = null;
            Volatile.Write(ref _head, _head + 1);
            if (_roomWaiter is not null && _tail - _head <= _roomWanted)
            {
                (waiter, _roomWaiter) = (_roomWaiter, null);
            }
        }
        waiter?.TrySetResult();
    }

    private void Forget()
    {
        TaskCompletionSource? waiter;
        long bytes = 0;
        int calls;
        lock (_gate)
        {
            calls = (int)(_tail - _head);
            for (var index = _head; index < _tail; index++)
            {
                var call = _ring[index & (_ring.Length - 1)]!;
                bytes += call.ChargedBytes;
                EndSpan(call, ErrorCode.NETWORK);
            }
            Array.Clear(_ring);
            Volatile.Write(ref _head, _tail);
            (waiter, _roomWaiter) = (_roomWaiter, null);
        }
        _budget.Release(calls, bytes);
        waiter?.TrySetResult();
    }

    private void Grow()
    {
        var larger = new IPendingCall?[_ring.Length * 2];
        for (var index = _head; index < _tail; index++)
        {
            larger[index & (larger.Length - 1)] = _ring[index & (_ring.Length - 1)];
        }
        _ring = larger;
    }
}

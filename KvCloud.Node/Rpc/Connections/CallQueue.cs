using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Node.Telemetry;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Connections;

/// <summary>
/// The calls of one connection that are not answered yet, in the order in which they came, which is the order in which
/// their answers leave.
/// </summary>
/// <remarks>
/// <para>
/// Calls become ready in any order and on any thread. Whoever holds the <em>output lock</em> may write into the output:
/// either the connection's reader, for as long as it works through what has come in, or, when the oldest call becomes
/// ready and nobody holds the output lock, a thread-pool item that is queued then. The holder writes every finished
/// call at the front and sends them together. A call that becomes ready behind an unfinished one wakes nobody.
/// </para>
/// <para>
/// A thread of replication that made ready a lone write takes the output lock for that answer alone: what else the
/// client has pipelined, and may cost any amount, goes to the thread pool. Where the call at the front is a costly one,
/// the output lock goes to the <see cref="ScanPool"/>, and comes back when that call is answered.
/// </para>
/// <para>
/// No wake-up is lost: a call becoming ready writes its flag and then reads the head and the output lock; the holder
/// advances the head and then reads the flag, with a full fence between the two steps on either side.
/// </para>
/// <para>
/// Over 400 lines, because the protocol of the output lock is one: each method that writes is a state in which the
/// lock may be, and is judged together with the others. The order of the calls is <see cref="CallRing"/>'s.
/// </para>
/// </remarks>
internal sealed class CallQueue : IThreadPoolWorkItem, IScanSlice
{
    private const int SendThresholdBytes = 64 * 1024;

    private const int OutputFree = 0;
    private const int OutputScheduled = 1;
    private const int OutputHeld = 2;
    private const int OutputHeldAndRequested = 3;
    private const int OutputClosed = 4;

    private readonly CallRing _calls = new();
    private readonly AnswerWriter _output;
    private readonly Socket _socket;
    private readonly RpcBudget _budget;
    private readonly ScanPool _scans;
    private readonly RpcStatistics _statistics;
    private readonly Action<Exception> _onBroken;
    private readonly Action _onSent;
    private readonly TaskCompletionSource _gone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _outputLock;
    private volatile bool _isAbandoned;
    private ValueTaskAwaiter<int> _send;

    /// <summary>Bytes of costly answers that are charged and not sent. Used by the holder of the output lock.</summary>
    private long _heldAnswerBytes;

    /// <param name="onBroken">Told once or more, from any thread, that answers can no longer be written.</param>
    public CallQueue(
        AnswerWriter output,
        Socket socket,
        RpcBudget budget,
        ScanPool scans,
        RpcStatistics statistics,
        Action<Exception> onBroken)
    {
        _scans = scans;
        ScanNode = new LinkedListNode<CallQueue>(this);
        _output = output;
        _socket = socket;
        _budget = budget;
        _statistics = statistics;
        _onBroken = onBroken;
        _onSent = OnSent;
    }

    /// <summary>
    /// This connection's place among those that wait for costly reads. Used by <see cref="ScanPool"/>.
    /// </summary>
    public LinkedListNode<CallQueue> ScanNode { get; }

    /// <summary>
    /// Whether what is asked for here is of no use to anybody. By the scan pool, which holds the output lock.
    /// </summary>
    /// <remarks>
    /// A client that closes may still want its answers, if it only closed one direction; it certainly is gone when the
    /// socket reports an error, which it does once an answer was sent to nobody.
    /// </remarks>
    bool IScanSlice.IsUnwanted => _isAbandoned || _socket.Poll(0, SelectMode.SelectError);

    /// <summary>Calls waiting. Exact for the reader, which alone adds calls, as an upper bound.</summary>
    public int Count => _calls.Count;

    /// <summary>Adds a call at the end; it is started afterwards with the index returned. Reader only.</summary>
    /// <exception cref="IOException">Answers can no longer be written.</exception>
    public long Enqueue(IPendingCall call)
    {
        _budget.Charge(call.ChargedBytes);
        if (!_isAbandoned && _calls.TryAdd(call, out long index))
        {
            return index;
        }

        _budget.Release(1, call.ChargedBytes);
        EndSpan(call, ErrorCode.NETWORK);
        throw new IOException("the client closed the connection");
    }

    /// <summary>
    /// The call at <paramref name="index"/> has become ready, and perhaps others, which are told of later: what is
    /// ready by now is written together. Any thread; never blocks for long or throws.
    /// </summary>
    /// <param name="isAlone">
    /// Nothing else becomes ready with it: it, and nothing behind it, is answered on this thread, if nobody holds the
    /// output lock.
    /// </param>
    public void OnReady(long index, bool isAlone)
    {
        Interlocked.MemoryBarrier();
        if (_calls.Head != index)
        {
            return;
        }

        if (isAlone && Interlocked.CompareExchange(ref _outputLock, OutputHeld, OutputFree) == OutputFree)
        {
            AnswerAlone(index);
            return;
        }

        RequestOutput();
    }

    /// <summary>Takes the output lock unless somebody is writing. Reader only.</summary>
    public bool TryAcquireOutput() =>
        Interlocked.CompareExchange(ref _outputLock, OutputHeld, OutputFree) == OutputFree
        || Interlocked.CompareExchange(ref _outputLock, OutputHeld, OutputScheduled) == OutputScheduled;

    /// <summary>The holder of the output lock looks after calls that have become ready meanwhile.</summary>
    public void WriteIfWanted()
    {
        if (Volatile.Read(ref _outputLock) == OutputHeldAndRequested)
        {
            Volatile.Write(ref _outputLock, OutputHeld);
            Interlocked.MemoryBarrier();
            WriteReadyCalls();
        }
    }

    /// <summary>
    /// Whether the holder of the output lock should give it back, so that what waits is sent, before it writes on.
    /// </summary>
    public bool IsSendDue => _output.Unsent.Length >= SendThresholdBytes;

    /// <summary>
    /// Writes what is ready, sends it, and gives the output lock back. If the client is slow to read its answers
    /// the output lock stays away until the socket has taken them, and with the scan pool while that works on a costly
    /// answer.
    /// </summary>
    public void ReleaseOutput()
    {
        try
        {
            while (true)
            {
                ICostlyCall? costly = WriteReadyCalls();
                if (!_output.Unsent.IsEmpty)
                {
                    if (!TrySend())
                    {
                        return;
                    }

                    continue;
                }

                if (_isAbandoned)
                {
                    Leave();
                    return;
                }

                if (costly is not null)
                {
                    if (TryHandToScans(costly))
                    {
                        return;
                    }

                    continue;
                }

                if (Interlocked.CompareExchange(ref _outputLock, OutputFree, OutputHeld) == OutputHeld)
                {
                    // Whoever abandons the queue while the output lock is free takes it himself.
                    return;
                }

                Volatile.Write(ref _outputLock, OutputHeld);
                Interlocked.MemoryBarrier();
            }
        }
        catch (Exception exception)
        {
            Break(exception);
        }
    }

    /// <summary>
    /// A time slice of the scan pool for the costly call at the front. True when the output lock is no longer with the
    /// pool.
    /// </summary>
    public bool RunScan()
    {
        try
        {
            if (!_isAbandoned && _calls.PeekReady() is ICostlyCall call)
            {
                switch (call.Advance(this, _output, out ErrorCode code))
                {
                    case ScanProgress.Unfinished:
                        return false;
                    case ScanProgress.Unwanted:
                        throw new IOException("the client closed the connection before its answer was read");
                    default:
                        FinishFirst(call, code);
                        break;
                }

                if (!TrySend())
                {
                    return true;
                }
            }

            HandOn();
        }
        catch (Exception exception)
        {
            Break(exception);
        }

        return true;
    }

    /// <summary>
    /// After the scan pool has queued this connection again: if it was abandoned just then, nobody waits.
    /// </summary>
    public void OnScanQueued()
    {
        Interlocked.MemoryBarrier();
        if (_isAbandoned && _scans.TryRemove(this))
        {
            ReleaseOutput();
        }
    }

    bool IScanSlice.TryHold(long bytes, out string? fullLimit)
    {
        if (!_budget.TryHoldAnswer(bytes, out fullLimit))
        {
            return false;
        }

        _heldAnswerBytes += bytes;
        return true;
    }

    /// <summary>
    /// Completes when at most <paramref name="count"/> calls wait, or none ever will be answered. Reader only.
    /// </summary>
    public Task WaitUntilAtMostAsync(int count) => _calls.WaitUntilAtMostAsync(count);

    /// <summary>Completes after <see cref="Abandon"/>, when nobody will write into the output any more.</summary>
    public Task Gone => _gone.Task;

    /// <summary>Forgets the calls still waiting. Any thread.</summary>
    public void Abandon()
    {
        _isAbandoned = true;
        Interlocked.MemoryBarrier();
        if (_scans.TryRemove(this))
        {
            ReleaseOutput();
            return;
        }

        RequestOutput();
    }

    void IThreadPoolWorkItem.Execute()
    {
        // Otherwise the reader was faster, and writes what this item was queued for.
        if (Interlocked.CompareExchange(ref _outputLock, OutputHeld, OutputScheduled) == OutputScheduled)
        {
            ReleaseOutput();
        }
    }

    private void RequestOutput()
    {
        while (true)
        {
            int state = Volatile.Read(ref _outputLock);
            switch (state)
            {
                case OutputFree:
                    if (Interlocked.CompareExchange(ref _outputLock, OutputScheduled, OutputFree) == OutputFree)
                    {
                        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
                        return;
                    }

                    break;
                case OutputHeld:
                    if (Interlocked.CompareExchange(ref _outputLock, OutputHeldAndRequested, OutputHeld) == OutputHeld)
                    {
                        return;
                    }

                    break;
                default:
                    return;
            }
        }
    }

    /// <summary>
    /// By a thread of replication, which holds the output lock: writes the call at <paramref name="index"/>, if it is
    /// still at the front, and nothing else.
    /// </summary>
    private void AnswerAlone(long index)
    {
        try
        {
            if (!_isAbandoned && _calls.Head == index && _calls.PeekReady() is { } call and not ICostlyCall
                && call.TryWriteAnswer(_output, out ErrorCode code))
            {
                FinishFirst(call, code);
            }

            if (TrySend())
            {
                HandOn();
            }
        }
        catch (Exception exception)
        {
            Break(exception);
        }
    }

    /// <summary>
    /// Gives the output lock back where nothing is ready, else to the thread pool: this thread has other work.
    /// </summary>
    private void HandOn()
    {
        if (!_isAbandoned && _calls.PeekReady() is null
            && Interlocked.CompareExchange(ref _outputLock, OutputFree, OutputHeld) == OutputHeld)
        {
            return;
        }

        Volatile.Write(ref _outputLock, OutputScheduled);
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    /// <summary>
    /// False when the output lock is still with the caller, because the pool is full or the connection at its end.
    /// </summary>
    private bool TryHandToScans(ICostlyCall call)
    {
        if (_scans.TryQueue(this, out string? fullLimit))
        {
            Interlocked.MemoryBarrier();
            return !(_isAbandoned && _scans.TryRemove(this));
        }

        FinishFirst(call, call.WriteOverloaded(_output, fullLimit!));
        return false;
    }

    /// <summary>False when a send is under way, which will go on with the output lock when it is through.</summary>
    /// <remarks>
    /// On this very thread, straight into the socket, which nearly always takes it at once: a change of threads, which
    /// Kestrel's output pipe would make here, costs more than the send. What is written is sent even if the connection
    /// ends meanwhile: a client that has said all it had to say still gets its answers.
    /// </remarks>
    [SuppressMessage("Reliability", "CA2012", Justification = "Its result is taken once, in EndSend.")]
    private bool TrySend()
    {
        if (_output.Unsent.IsEmpty)
        {
            return true;
        }

        ValueTaskAwaiter<int> send = _socket
            .SendAsync(_output.Unsent, SocketFlags.None, CancellationToken.None)
            .GetAwaiter();
        if (!send.IsCompleted)
        {
            _send = send;
            send.UnsafeOnCompleted(_onSent);
            return false;
        }

        EndSend(send);
        return true;
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

        ReleaseOutput();
    }

    private void EndSend(ValueTaskAwaiter<int> send)
    {
        _send = default;
        send.GetResult();
        ClearOutput();
    }

    private void ClearOutput()
    {
        _output.Clear();
        if (_heldAnswerBytes > 0)
        {
            _budget.ReleaseAnswer(_heldAnswerBytes);
            _heldAnswerBytes = 0;
        }
    }

    /// <summary>The output is broken, and so is the connection; the calls under way are forgotten.</summary>
    private void Break(Exception exception)
    {
        _isAbandoned = true;
        Leave();
        _onBroken(exception is SocketException or ObjectDisposedException
            ? new IOException($"answers can no longer be sent: {exception.Message}", exception)
            : exception);
    }

    /// <summary>The output lock is taken for good, and what still waits is forgotten.</summary>
    private void Leave()
    {
        Forget();
        ClearOutput();
        Volatile.Write(ref _outputLock, OutputClosed);
        _gone.TrySetResult();
    }

    /// <summary>Returns the costly call that it stopped at, if that is why it stopped.</summary>
    private ICostlyCall? WriteReadyCalls()
    {
        if (_isAbandoned)
        {
            Forget();
            return null;
        }

        int answered = 0;
        long releasedBytes = 0;
        ICostlyCall? costly = null;
        while (!IsSendDue && _calls.PeekReady() is { } call)
        {
            if (!call.TryWriteAnswer(_output, out ErrorCode code))
            {
                costly = (ICostlyCall)call;
                break;
            }

            releasedBytes += call.ChargedBytes;
            answered++;
            Answered(call, code);
        }

        if (answered > 0)
        {
            _budget.Release(answered, releasedBytes);
        }

        return costly;
    }

    /// <summary>As <see cref="WriteReadyCalls"/> does, for one call that was written.</summary>
    private void FinishFirst(IPendingCall call, ErrorCode code)
    {
        Answered(call, code);
        _budget.Release(1, call.ChargedBytes);
    }

    private void Answered(IPendingCall call, ErrorCode code)
    {
        _statistics.Record(call.Method, code, call.ReceivedTimestamp);
        EndSpan(call, code);
        _calls.RemoveFirst();
    }

    private static void EndSpan(IPendingCall call, ErrorCode code)
    {
        if (call.Span is { } span)
        {
            NodeTracing.End(span, code == ErrorCode.OK ? null : code.ToString());
        }
    }

    /// <summary>Gives up the calls that wait, and takes no more. More than once does no harm.</summary>
    private void Forget()
    {
        long bytes = 0;
        IPendingCall[] left = _calls.Close();
        foreach (IPendingCall call in left)
        {
            bytes += call.ChargedBytes;
            EndSpan(call, ErrorCode.NETWORK);
            (call as ICostlyCall)?.Drop();
        }

        _budget.Release(left.Length, bytes);
    }
}

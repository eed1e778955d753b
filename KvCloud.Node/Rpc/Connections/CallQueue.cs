using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using KvCloud.Node.Access;
using KvCloud.Node.Rpc.Flows;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Node.Telemetry;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Connections;

/// <summary>The unanswered calls of one connection in arrival order. Answers leave in the same order.</summary>
/// <remarks>
/// <para>
/// Calls become ready in any order and on any thread. Only the holder of the <em>output lock</em> writes into the
/// output. While the connection's reader works through received input, it is the holder. Otherwise, when the oldest
/// call becomes ready and the lock is free, a thread-pool item is queued that takes it. The holder writes every
/// finished call at the front and sends them together. A call that becomes ready behind an unfinished one wakes nobody.
/// </para>
/// <para>
/// A replication thread that completes a single write takes the output lock to send that one answer. Whatever else the
/// client has pipelined may be expensive and goes to the thread pool. If the call at the front is a costly one, the
/// output lock moves to the <see cref="ScanPool"/> and comes back when that call is answered.
/// </para>
/// <para>
/// No wake-up is lost: a call that becomes ready sets its flag and then reads the head and the output lock; the holder
/// advances the head and then reads the flag. Both sides put a full fence between the two steps.
/// </para>
/// <para>
/// Over 400 lines, because the output lock is one protocol: each method that writes is one state of the lock, and its
/// correctness depends on the others. <see cref="CallRing"/> keeps the order of the calls.
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
    private readonly Stream? _secured;
    private readonly RpcBudget _budget;
    private readonly ScanPool _scans;
    private readonly RpcStatistics _statistics;
    private readonly FlowTurns _turns;
    private readonly Action<Exception> _onBroken;
    private readonly Action _onSent;
    private readonly TaskCompletionSource _gone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _outputLock;
    private volatile bool _isAbandoned;
    private ValueTaskAwaiter<int> _send;

    /// <summary>
    /// Bytes of costly answers charged to the budget but not sent yet. Only the holder of the output lock accesses it.
    /// </summary>
    private long _heldAnswerBytes;

    /// <summary>Whom these bytes are charged to.</summary>
    private RpcFlow? _heldFlow;

    private long _chargedBytes;

    private readonly Caller _caller;

    /// <param name="secured">Where TLS encrypts what is written, and sends it at once; null in clear text.</param>
    /// <param name="flow">Whom costly answers are charged to.</param>
    /// <param name="caller">Whose connection this is.</param>
    /// <param name="onBroken">
    /// Called from any thread, possibly more than once, when answers can no longer be written.
    /// </param>
    public CallQueue(
        AnswerWriter output,
        Socket socket,
        Stream? secured,
        RpcBudget budget,
        ScanPool scans,
        RpcStatistics statistics,
        RpcFlow flow,
        Caller caller,
        Action<Exception> onBroken)
    {
        _caller = caller;
        Flow = flow;
        _turns = flow.Turns;
        _scans = scans;
        ScanNode = new LinkedListNode<CallQueue>(this);
        _output = output;
        _socket = socket;
        _secured = secured;
        _budget = budget;
        _statistics = statistics;
        _onBroken = onBroken;
        _onSent = OnSent;
    }

    /// <summary>Whom costly answers are charged to. Set by the reader.</summary>
    public RpcFlow Flow { get; set; }

    /// <summary>
    /// This connection's node in the list of connections waiting for costly reads. Used by <see cref="ScanPool"/>.
    /// </summary>
    public LinkedListNode<CallQueue> ScanNode { get; }

    /// <summary>
    /// Whether nobody can receive the answer any more. Called by the scan pool while it holds the output lock.
    /// </summary>
    /// <remarks>
    /// A client that closes may have closed only its sending direction and still want its answers. It is certainly gone
    /// once the socket reports an error, which happens after an answer was sent to a closed peer.
    /// </remarks>
    bool IScanSlice.IsCancelled => _isAbandoned || _socket.Poll(0, SelectMode.SelectError);

    /// <summary>Whose the costly call at the front is, while <see cref="ScanPool"/> has the connection.</summary>
    public RpcFlow? ScanFlow { get; set; }

    /// <summary>
    /// Whether the costly call at the front may work now: its caller's rates and pace allow it, or it has waited for
    /// them to its deadline. Called by the scan pool while it holds the output lock.
    /// </summary>
    public bool MayScan(long nowMs) => _isAbandoned || ScanFlow!.MayScan
        || (_calls.PeekReady() is ICostlyCall call && (call.IsAdministrative || call.DeadlineMs < nowMs));

    /// <summary>Waiting calls. Only the reader adds calls, so for the reader this is a valid upper bound.</summary>
    public int Count => _calls.Count;

    /// <summary>Bytes that the waiting calls are charged for. For the reader a valid upper bound, too.</summary>
    public long ChargedBytes => Interlocked.Read(ref _chargedBytes);

    /// <summary>Appends a call; the caller then starts it with the returned index. Reader only.</summary>
    /// <exception cref="IOException">Answers can no longer be written.</exception>
    public long Enqueue(IPendingCall call)
    {
        _budget.Charge(call.Charged!, call.ChargedBytes);
        Interlocked.Add(ref _chargedBytes, call.ChargedBytes);
        if (!_isAbandoned && _calls.TryAdd(call, out long index))
        {
            return index;
        }

        Release(call.Charged!, 1, call.ChargedBytes);
        EndSpan(call, ErrorCode.NETWORK);
        throw new IOException("the client closed the connection");
    }

    /// <summary>
    /// Reports that the call at <paramref name="index"/> is ready. If others became ready with it, they are reported
    /// later, but everything ready by now is written together. Any thread; never blocks for long and never throws.
    /// </summary>
    /// <param name="isAlone">
    /// True if no other call becomes ready together with this one. If the output lock is free, this thread then writes
    /// this answer and nothing behind it.
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

    /// <summary>Takes the output lock if it is free. Reader only.</summary>
    public bool TryAcquireOutput() =>
        Interlocked.CompareExchange(ref _outputLock, OutputHeld, OutputFree) == OutputFree
        || Interlocked.CompareExchange(ref _outputLock, OutputHeld, OutputScheduled) == OutputScheduled;

    /// <summary>Writes calls that became ready in the meantime. Called by the holder of the output lock.</summary>
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
    /// Whether the holder of the output lock should release it, which sends the buffered answers, before writing more;
    /// its turn is over then.
    /// </summary>
    public bool IsSendDue => _output.Unsent.Length >= SendThresholdBytes;

    /// <summary>
    /// Writes what is ready, sends it, and releases the output lock. If the client reads its answers slowly, the lock
    /// stays taken until the socket has accepted them; if a costly answer is due, until the scan pool is done with it.
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
                    bool isTurnOver = IsSendDue;
                    if (!TrySend())
                    {
                        return;
                    }

                    if (isTurnOver)
                    {
                        ReleaseOutputOrSchedule();
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
                    // If the queue is abandoned while the output lock is free, Abandon takes the lock itself.
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
    /// Runs one time slice of the scan pool on the costly call at the front. True if the pool no longer holds the
    /// output lock.
    /// </summary>
    public bool RunScan()
    {
        try
        {
            if (!_isAbandoned && _calls.PeekReady() is ICostlyCall call)
            {
                (RpcFlow payer, bool isPaced) = (call.Charged!, !call.IsAdministrative);
                switch (call.Advance(this, _output, out ErrorCode code))
                {
                    case ScanProgress.Unfinished:
                        return false;
                    case ScanProgress.Cancelled:
                        throw new IOException("the client closed the connection before its answer was read");
                    default:
                        FinishFirst(call, code);
                        break;
                }

                if (!TrySend(payer, isPaced))
                {
                    return true;
                }
            }

            ReleaseOutputOrSchedule();
        }
        catch (Exception exception)
        {
            Break(exception);
        }

        return true;
    }

    /// <summary>
    /// Called after the scan pool has queued this connection again. If the queue was abandoned in the meantime, takes
    /// the connection out of the pool so that nothing waits for it.
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
        RpcFlow flow = _heldAnswerBytes > 0 ? _heldFlow! : Flow;
        if (!_budget.TryHoldAnswer(flow, bytes, out fullLimit))
        {
            return false;
        }

        _heldFlow = flow;
        _heldAnswerBytes += bytes;
        return true;
    }

    /// <summary>
    /// Completes when at most <paramref name="count"/> calls wait or the queue is closed. Reader only.
    /// </summary>
    public Task WaitUntilAtMostAsync(int count) => _calls.WaitUntilAtMostAsync(count);

    /// <summary>Completes after <see cref="Abandon"/>, once nobody writes into the output any more.</summary>
    public Task Gone => _gone.Task;

    /// <summary>Drops the waiting calls without answering them. Any thread.</summary>
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
        // If this fails, the reader took the lock first and writes what this item was queued for.
        if (Interlocked.CompareExchange(ref _outputLock, OutputHeld, OutputScheduled) == OutputScheduled)
        {
            ReleaseOutput();
        }

        _turns.Leave();
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
                        _turns.Run(this);
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
    /// Writes the call at <paramref name="index"/> if it is still at the front, and nothing else. Called by a
    /// replication thread that holds the output lock.
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
                ReleaseOutputOrSchedule();
            }
        }
        catch (Exception exception)
        {
            Break(exception);
        }
    }

    /// <summary>
    /// Releases the output lock if nothing is ready; otherwise passes it to the thread pool, in the caller's turns: the
    /// calling thread has other work, or has written for long enough.
    /// </summary>
    private void ReleaseOutputOrSchedule()
    {
        if (!_isAbandoned && _calls.PeekReady() is null
            && Interlocked.CompareExchange(ref _outputLock, OutputFree, OutputHeld) == OutputHeld)
        {
            return;
        }

        Volatile.Write(ref _outputLock, OutputScheduled);
        _turns.Run(this);
    }

    /// <summary>
    /// False if the caller still holds the output lock, because the pool is full or the queue was abandoned.
    /// </summary>
    private bool TryHandToScans(ICostlyCall call)
    {
        if (_scans.TryQueue(this, call.Charged!, out string? fullLimit))
        {
            Interlocked.MemoryBarrier();
            return !(_isAbandoned && _scans.TryRemove(this));
        }

        FinishFirst(call, call.WriteOverloaded(_output, fullLimit!));
        return false;
    }

    private bool TrySend() => TrySend(Flow, isPaced: true);

    /// <summary>False if a send is in progress; its completion continues with the output lock.</summary>
    /// <remarks>
    /// Sends on this thread, straight into the socket, which nearly always accepts the bytes at once. Kestrel's output
    /// pipe would switch threads here, and that costs more than the send. Written answers are sent even if the
    /// connection is ending: a client that has closed its sending direction still gets its answers.
    /// </remarks>
    [SuppressMessage("Reliability", "CA2012", Justification = "Its result is taken once, in EndSend.")]
    private bool TrySend(RpcFlow payer, bool isPaced)
    {
        if (_output.Unsent.IsEmpty)
        {
            return true;
        }

        payer.PayForAnswers(_output.Unsent.Length, isPaced);
        ValueTaskAwaiter<int> send = (_secured is null
            ? _socket.SendAsync(_output.Unsent, SocketFlags.None, CancellationToken.None)
            : SendSecuredAsync(_secured, _output.Unsent)).GetAwaiter();
        if (!send.IsCompleted)
        {
            _send = send;
            send.UnsafeOnCompleted(_onSent);
            return false;
        }

        EndSend(send);
        return true;
    }

    private static async ValueTask<int> SendSecuredAsync(Stream secured, ReadOnlyMemory<byte> bytes)
    {
        await secured.WriteAsync(bytes, CancellationToken.None);
        return bytes.Length;
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

        // Whoever reads its answers slowly has as many of these as it has connections: they wait for its turns.
        ReleaseOutputOrSchedule();
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
            _budget.ReleaseAnswer(_heldFlow!, _heldAnswerBytes);
            _heldAnswerBytes = 0;
        }
    }

    /// <summary>Ends the connection after a failed write and drops the waiting calls.</summary>
    private void Break(Exception exception)
    {
        _isAbandoned = true;
        Leave();
        _onBroken(exception is SocketException or ObjectDisposedException
            ? new IOException($"answers can no longer be sent: {exception.Message}", exception)
            : exception);
    }

    /// <summary>Takes the output lock permanently and drops the waiting calls.</summary>
    private void Leave()
    {
        Forget();
        ClearOutput();
        Volatile.Write(ref _outputLock, OutputClosed);
        _gone.TrySetResult();
    }

    /// <summary>Writes ready calls from the front. Returns the costly call it stopped at, if any.</summary>
    private ICostlyCall? WriteReadyCalls()
    {
        if (_isAbandoned)
        {
            Forget();
            return null;
        }

        var charges = default(Charges);
        ICostlyCall? costly = null;
        while (!IsSendDue && _calls.PeekReady() is { } call)
        {
            if (!call.TryWriteAnswer(_output, out ErrorCode code))
            {
                costly = (ICostlyCall)call;
                break;
            }

            Collect(ref charges, call);
            Answered(call, code);
        }

        Release(in charges);

        return costly;
    }

    /// <summary>Accounts for the call at the front after its answer was written.</summary>
    private void FinishFirst(IPendingCall call, ErrorCode code)
    {
        Answered(call, code);
        Release(call.Charged!, 1, call.ChargedBytes);
    }

    /// <summary>Adds up what is released together, nearly always of one caller.</summary>
    private void Collect(ref Charges charges, IPendingCall call)
    {
        if (charges.Flow != call.Charged)
        {
            Release(in charges);
            charges = new Charges { Flow = call.Charged };
        }

        charges.Calls++;
        charges.Bytes += call.ChargedBytes;
    }

    private void Release(in Charges charges)
    {
        if (charges.Flow is { } flow)
        {
            Release(flow, charges.Calls, charges.Bytes);
        }
    }

    private void Release(RpcFlow flow, long calls, long bytes)
    {
        Interlocked.Add(ref _chargedBytes, -bytes);
        _budget.Release(flow, calls, bytes);
    }

    private void Answered(IPendingCall call, ErrorCode code)
    {
        _statistics.Record(call, code, _caller);
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

    /// <summary>Drops the waiting calls and accepts no more. Idempotent.</summary>
    private void Forget()
    {
        var charges = default(Charges);
        foreach (IPendingCall call in _calls.Close())
        {
            Collect(ref charges, call);
            EndSpan(call, ErrorCode.NETWORK);
            (call as ICostlyCall)?.Drop();
        }

        Release(in charges);
    }

    private struct Charges
    {
        public RpcFlow? Flow;
        public long Calls;
        public long Bytes;
    }
}

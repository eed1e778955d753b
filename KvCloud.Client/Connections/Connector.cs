using System.Net.Sockets;
using KvCloud.Client.Calls;
using KvCloud.Client.Wire;
using KvCloud.Protocol;
using KvCloud.Protocol.Wire;

namespace KvCloud.Client.Connections;

/// <summary>
/// One connection to one node, with many calls in flight. Callers encode into a shared buffer; one loop sends
/// everything queued, another receives and completes calls. Every call is completed exactly once: by its answer, its
/// deadline, its cancellation, or the end of the connection. Thread-safe.
/// </summary>
/// <remarks>
/// Over 400 lines: sending, receiving and the end of a connection complete the same calls under one lock.
/// </remarks>
internal sealed class Connector : IAsyncDisposable
{
    private const int PlaceBits = 16;
    private const int PlaceMask = (1 << PlaceBits) - 1;
    private const int UsualUnsentBytes = 16 * 1024;
    private const int KeptUnsentBytes = 256 * 1024;

    private readonly Stream _stream;
    private readonly ConnectorOptions _options;
    private readonly CancellationTokenSource _closing = new();
    private readonly SendSignal _signal = new();
    private readonly Lock _lock = new();
    private readonly PendingCall?[] _calls;
    private readonly Stack<PendingCall> _free = new();
    private readonly Task _sending;
    private readonly Task _receiving;

    private FrameWriter _filling = new(UsualUnsentBytes, KeptUnsentBytes) { IsFramed = true };
    private FrameWriter _draining = new(UsualUnsentBytes, KeptUnsentBytes) { IsFramed = true };
    private int _callsMade;
    private int _generation;
    private int _inFlight;
    private long _sendNumber = 1;
    private long _startedSendNumber;
    private bool _sendLoopIdle;
    private string? _closeReason;
    private bool _answerOverdue;
    private long _lastReceivedTickMs;

    /// <param name="stream">Connected and, with TLS, authenticated. The connector owns it.</param>
    /// <param name="options">Limits.</param>
    public Connector(Stream stream, ConnectorOptions options)
    {
        _stream = stream;
        _options = options;
        _lastReceivedTickMs = options.Time.TickMs();
        _calls = new PendingCall?[options.MaxCalls];
        _sending = SendLoopAsync();
        _receiving = ReceiveLoopAsync();
    }

    /// <summary>Who has logged in on it; null where the client logs in nowhere.</summary>
    public ConnectionLogin? Login { get; set; }

    public int InFlight => Volatile.Read(ref _inFlight);

    public bool IsClosed => Volatile.Read(ref _closeReason) is not null;

    /// <summary>When bytes last arrived, by <see cref="ClientTime"/>.</summary>
    public long LastReceivedTickMs => Volatile.Read(ref _lastReceivedTickMs);

    /// <summary>Why the connection ended; null while it is open.</summary>
    public string? CloseReason => Volatile.Read(ref _closeReason);

    /// <summary>
    /// Sends one call. Failures of the connection are answers (<see cref="Reply.Status"/>), not exceptions.
    /// </summary>
    /// <exception cref="OperationCanceledException">The call was cancelled; the server may still run it.</exception>
    /// <exception cref="KvCloudException">The call is larger than the server accepts; it was not sent.</exception>
    public ValueTask<Reply> SendAsync<TRequest>(
        in TRequest request, in AttemptFields attempt, long deadlineTickMs, CancellationToken cancellationToken)
        where TRequest : struct, IRequest
    {
        PendingCall call;
        bool wake;
        bool alone;
        lock (_lock)
        {
            if (_closeReason is { } reason)
            {
                return new ValueTask<Reply>(Reply.Failed(ReplyStatus.NotSent, reason));
            }

            if (_filling.Length > _options.MaxUnsentBytes || !TryTakePlace(out call!))
            {
                return new ValueTask<Reply>(
                    Reply.Failed(ReplyStatus.Full, "the connection's limit of calls is reached"));
            }

            Encode(call, in request, in attempt);
            call.DeadlineTickMs = deadlineTickMs;
            call.Layout = TRequest.Method.Layout;
            call.SendNumber = _sendNumber;
            call.IsInFlight = true;
            alone = Interlocked.Increment(ref _inFlight) == 1;
            wake = _sendLoopIdle;
            _sendLoopIdle = false;
        }

        call.WatchCancellation(cancellationToken);
        ValueTask<Reply> task = call.Task;
        if (wake)
        {
            Wake(alone);
        }

        return task;
    }

    /// <summary>
    /// Completes overdue calls. Ends the connection if it has been silent for too long while they were overdue.
    /// </summary>
    public void Sweep(long nowTickMs)
    {
        if (InFlight > 0)
        {
            CompleteOverdue(nowTickMs);
        }

        if (Volatile.Read(ref _answerOverdue) && nowTickMs - LastReceivedTickMs > _options.KeepAliveTimeoutMs)
        {
            Abort($"no answer for {nowTickMs - LastReceivedTickMs} ms");
        }
    }

    /// <summary>Ends the connection; every call in flight is completed with the reason.</summary>
    public void Abort(string reason)
    {
        List<PendingCall> orphans = [];
        long startedSendNumber;
        bool wake;
        lock (_lock)
        {
            if (_closeReason is not null)
            {
                return;
            }

            Volatile.Write(ref _closeReason, reason);
            startedSendNumber = _startedSendNumber;
            for (int i = 0; i < _callsMade; i++)
            {
                if (_calls[i] is { IsInFlight: true } call)
                {
                    TakeOut(call);
                    orphans.Add(call);
                }
            }

            wake = _sendLoopIdle;
            _sendLoopIdle = false;
        }

        _closing.Cancel();
        if (wake)
        {
            _signal.WakeSoon();
        }

        foreach (PendingCall call in orphans)
        {
            bool sent = call.SendNumber <= startedSendNumber;
            call.Complete(Reply.Failed(sent ? ReplyStatus.Lost : ReplyStatus.NotSent, reason));
        }
    }

    public async ValueTask DisposeAsync()
    {
        Abort("the client closed the connection");
        await _stream.DisposeAsync().ConfigureAwait(false);
        await _sending.ConfigureAwait(false);
        await _receiving.ConfigureAwait(false);
        _filling.Release();
        _draining.Release();
        _closing.Dispose();
        Login?.Dispose();
    }

    /// <summary>The caller gives up; the answer will be ignored.</summary>
    internal void CancelCall(PendingCall call, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (!call.IsInFlight)
            {
                return;
            }

            TakeOut(call);
        }

        call.Fail(new OperationCanceledException(cancellationToken));
    }

    /// <summary>The awaiter has its result: the call's place can be reused.</summary>
    internal void Release(PendingCall call)
    {
        lock (_lock)
        {
            _free.Push(call);
        }
    }

    private void Wake(bool alone)
    {
        // A lone call gains nothing from waiting for others.
        if (alone)
        {
            _signal.WakeHere();
        }
        else
        {
            _signal.WakeSoon();
        }
    }

    private bool TryTakePlace(out PendingCall? call)
    {
        if (_free.TryPop(out call))
        {
            return true;
        }

        if (_callsMade == _options.MaxCalls)
        {
            return false;
        }

        call = new PendingCall(this, _callsMade);
        _calls[_callsMade++] = call;
        return true;
    }

    private void Encode<TRequest>(PendingCall call, in TRequest request, in AttemptFields attempt)
        where TRequest : struct, IRequest
    {
        // The generation distinguishes a late answer to an earlier call in this place from the answer to this one.
        _generation = (_generation + 1) & 0x7fff;
        call.SequenceId = (_generation << PlaceBits) | call.Place;
        bool encoded = false;
        try
        {
            _filling.BeginCall(TRequest.Method.NameUtf8, call.SequenceId);
            request.Write(_filling, in attempt);
            if (attempt.Trace is { } trace)
            {
                AttemptFields.WriteTraceParent(_filling, trace);
            }

            int size = _filling.EndBody();
            if (size > _options.MaxRequestBytes)
            {
                // The server would close the connection, which would end the calls of others.
                throw new KvCloudException(
                    TRequest.Method == KvMethod.Commit ? ErrorCode.TRANSACTION_TOO_LARGE : ErrorCode.VALUE_TOO_LARGE,
                    $"a request of {size} bytes is over the limit MaxRequestBytes of {_options.MaxRequestBytes}");
            }

            encoded = true;
        }
        finally
        {
            if (!encoded)
            {
                _filling.AbandonMessage();
                _free.Push(call);
            }
        }
    }

    private void TakeOut(PendingCall call)
    {
        call.IsInFlight = false;
        Interlocked.Decrement(ref _inFlight);
    }

    private void CompleteOverdue(long nowTickMs)
    {
        List<PendingCall>? overdue = null;
        lock (_lock)
        {
            for (int i = 0; i < _callsMade; i++)
            {
                if (_calls[i] is { IsInFlight: true } call && call.DeadlineTickMs <= nowTickMs)
                {
                    TakeOut(call);
                    (overdue ??= []).Add(call);
                }
            }

            if (overdue is null)
            {
                return;
            }

            Volatile.Write(ref _answerOverdue, true);
        }

        foreach (PendingCall call in overdue)
        {
            call.Complete(Reply.Failed(ReplyStatus.TimedOut, "no answer in time"));
        }
    }

    private async Task SendLoopAsync()
    {
        try
        {
            while (await NextSendAsync().ConfigureAwait(false))
            {
                await _stream.WriteAsync(_draining.UnreadMemory, _closing.Token).ConfigureAwait(false);
                _draining.Clear();
            }
        }
        catch (Exception exception) when (IsConnectionEnd(exception))
        {
            Abort($"sending failed: {exception.Message}");
        }
    }

    /// <summary>Waits for queued bytes and takes all of them; false at the end of the connection.</summary>
    private async ValueTask<bool> NextSendAsync()
    {
        while (true)
        {
            lock (_lock)
            {
                if (_closeReason is not null)
                {
                    return false;
                }

                if (_filling.Length > 0)
                {
                    (_filling, _draining) = (_draining, _filling);
                    _startedSendNumber = _sendNumber++;
                    return true;
                }

                _sendLoopIdle = true;
            }

            await _signal.WaitAsync().ConfigureAwait(false);
        }
    }

    private async Task ReceiveLoopAsync()
    {
        // Return to the constructor before anything runs.
        await Task.Yield();
        var buffer = new ReceiveBuffer(_options.MaxResponseBytes);
        try
        {
            while (true)
            {
                int received = await _stream.ReadAsync(buffer.Free(), _closing.Token).ConfigureAwait(false);
                if (received == 0)
                {
                    Abort("the server closed the connection");
                    return;
                }

                Volatile.Write(ref _lastReceivedTickMs, _options.Time.TickMs());
                Volatile.Write(ref _answerOverdue, false);
                buffer.Advance(received);
                while (buffer.TryTakeFrame(out ReadOnlyMemory<byte> frame))
                {
                    Answer(frame.Span);
                }
            }
        }
        catch (Exception exception) when (IsConnectionEnd(exception))
        {
            Abort($"receiving failed: {exception.Message}");
        }
        finally
        {
            buffer.Release();
        }
    }

    private void Answer(ReadOnlySpan<byte> frame)
    {
        var reader = new ThriftReader(frame);
        ThriftMessageKind kind = reader.MessageHeader(out _, out int sequenceId);
        PendingCall? call;
        lock (_lock)
        {
            int place = sequenceId & PlaceMask;
            call = place < _callsMade ? _calls[place] : null;
            if (call is not { IsInFlight: true } || call.SequenceId != sequenceId)
            {
                // A late answer: its caller has given up.
                return;
            }

            TakeOut(call);
        }

        Reply reply;
        try
        {
            reply = ReplyReader.ReadBody(ref reader, frame, kind, call.Layout);
        }
        catch (WireFormatException exception)
        {
            call.Complete(Reply.Failed(ReplyStatus.Lost, $"the answer is damaged: {exception.Message}"));
            throw;
        }

        call.Complete(in reply);
    }

    private static bool IsConnectionEnd(Exception exception) =>
        exception is IOException or SocketException or ObjectDisposedException or OperationCanceledException
            or WireFormatException;
}

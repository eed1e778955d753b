using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Net.Sockets;
using KvCloud.Node.Access;
using KvCloud.Node.Replication;
using KvCloud.Node.Rpc.Flows;
using KvCloud.Node.Rpc.Methods;
using KvCloud.Node.Rpc.Wire;
using KvCloud.Node.Tls;
using KvCloud.Protocol;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace KvCloud.Node.Rpc.Connections;

/// <summary>One client connection: reads calls, starts them, and sends their answers.</summary>
internal sealed class RpcConnection
{
    /// <summary>
    /// Approximate memory of a call in flight beyond its request bytes: its objects and its places in queues.
    /// </summary>
    private const int CallOverheadBytes = 512;

    private readonly ConnectionContext _connection;
    private readonly IRpcDispatcher _dispatcher;
    private readonly RpcLimits _limits;
    private readonly RpcBudget _budget;
    private readonly RpcStatistics _statistics;
    private readonly AnswerWriter _output = new();
    private readonly TimeProvider _time;
    private readonly RpcFlows _flows;

    /// <summary>Of its address, whoever logs in; the turns on the thread pool are of this one.</summary>
    private readonly RpcFlow _address;

    private readonly FlowTurns _turns;

    private readonly IReplicaClock _clock;
    private readonly CallQueue _queue;
    private readonly MessageReader _messages;
    private readonly Caller _caller;
    private volatile bool _isStopping;
    private volatile bool _isPaused;
    private volatile Exception? _broken;
    private bool _hasOutput;
    private bool _hasWaited;
    private RpcFlow _flow;
    private Principal _principal = Principal.Anonymous;
    private long _silentSinceMs;

    public RpcConnection(
        ConnectionContext connection,
        Caller caller,
        IRpcDispatcher dispatcher,
        RpcLimits limits,
        RpcBudget budget,
        ScanPool scans,
        RpcStatistics statistics,
        RpcFlows flows,
        RpcFlow flow,
        IReplicaClock clock,
        TimeProvider time)
    {
        _connection = connection;
        _dispatcher = dispatcher;
        _limits = limits;
        _budget = budget;
        _statistics = statistics;
        _time = time;
        _caller = caller;
        _flows = flows;
        _flow = flow;
        _address = flow;
        _turns = flow.Turns;
        _clock = clock;
        _silentSinceMs = clock.NowMs;
        _queue = new CallQueue(
            _output,
            SocketOf(connection),
            connection.Features.Get<ISecuredStreamFeature>()?.Stream,
            budget,
            scans,
            statistics,
            flow,
            caller,
            OnOutputBroken);
        _messages = new MessageReader(limits, budget, flow, clock, _caller);
    }

    private enum TurnEnd
    {
        /// <summary>No whole call is left.</summary>
        NoInput,

        /// <summary>There may be more, for the next turn.</summary>
        Over,

        /// <summary>Too much is unanswered.</summary>
        Full,

        /// <summary>The caller has used up what its rates or its pace allow.</summary>
        Spent,
    }

    /// <summary>
    /// <see cref="IReplicaClock.NowMs"/> at the start of the message being received; 0 if there is none.
    /// </summary>
    public long PartialSinceMs => _isPaused ? 0 : _messages.PartialSinceMs;

    /// <summary>Who has logged in on the connection.</summary>
    public Principal Principal => _caller.Principal;

    /// <summary>
    /// <see cref="IReplicaClock.NowMs"/> at its begin while nothing has come on this connection; 0 afterwards.
    /// </summary>
    public long SilentSinceMs => Volatile.Read(ref _silentSinceMs);

    public string Client => _connection.RemoteEndPoint?.ToString() ?? _connection.ConnectionId;

    /// <summary>
    /// Serves the connection to its end. Returns what the client did wrong, or null if it simply disconnected. Throws
    /// IOException if the connection broke.
    /// </summary>
    public async Task<string?> RunAsync()
    {
        bool isGraceful = false;
        try
        {
            string? error = await ReadCallsAsync();
            if (_broken is null)
            {
                // A client that has closed its sending direction still gets its answers.
                isGraceful = await AnswerRestAsync();
            }

            return error;
        }
        finally
        {
            if (!isGraceful)
            {
                _connection.Abort();
            }

            _messages.Release();
            _queue.Abandon();
            await _queue.Gone;
            LeaveUser();
        }
    }

    /// <summary>Reads no further calls; calls in flight are answered, then the connection closes. Any thread.</summary>
    public void Stop()
    {
        _isStopping = true;
        _connection.Transport.Input.CancelPendingRead();
    }

    /// <summary>Closes the connection immediately. Any thread.</summary>
    public void Abort(string reason)
    {
        _broken = new ConnectionAbortedException(reason);
        _connection.Abort(new ConnectionAbortedException(reason));
        _queue.Abandon();
    }

    private async Task<string?> ReadCallsAsync()
    {
        PipeReader input = _connection.Transport.Input;
        while (!_isStopping && _broken is null)
        {
            ReadResult read = await input.ReadAsync(CancellationToken.None);
            ReadOnlySequence<byte> buffer = read.Buffer;
            long received = Stopwatch.GetTimestamp();
            Volatile.Write(ref _silentSinceMs, 0);
            _flows.NoteCall(_flow);
            bool hasTurn = _turns.TryEnter();
            TurnEnd end;
            do
            {
                if (!hasTurn)
                {
                    await _turns.NextAsync();
                }

                hasTurn = false;
                end = TakeTurn(ref buffer, received);
                if (end == TurnEnd.Full)
                {
                    await WaitForRoomAsync();
                }
                else if (end == TurnEnd.Spent)
                {
                    await PauseAsync();
                    received = Stopwatch.GetTimestamp();
                }
            }
            while (end != TurnEnd.NoInput && (end != TurnEnd.Spent || (!_isStopping && _broken is null)));

            if (_messages.Error is { } error)
            {
                return error;
            }

            if (read.IsCompleted)
            {
                return buffer.IsEmpty && _messages.PartialSinceMs == 0
                    ? null
                    : "the connection ended in the middle of a message";
            }

            input.AdvanceTo(buffer.Start, buffer.End);
        }

        return null;
    }

    /// <summary>
    /// Serves calls that have come, no more than a turn has, so that what others wait for on the thread pool is done in
    /// between. The caller of this has a turn, which ends here.
    /// </summary>
    private TurnEnd TakeTurn(ref ReadOnlySequence<byte> buffer, long received)
    {
        _hasOutput = _queue.TryAcquireOutput();
        int calls = 0;
        long bytes = 0;
        try
        {
            if (_hasWaited ? _flow.IsSpent : _flow.HasToWait)
            {
                return TurnEnd.Spent;
            }

            while (_messages.TryRead(ref buffer, received, out RequestMessage message))
            {
                _output.IsFramed = _messages.IsFramed == true;
                calls++;
                bytes += message.Bytes.Length;
                Serve(in message);
                _messages.Release();
                if (IsFull)
                {
                    return TurnEnd.Full;
                }

                if (_flow.IsSpent)
                {
                    return TurnEnd.Spent;
                }

                if (calls == RpcFlow.CallsPerTurn || bytes >= RpcFlow.BytesPerTurn
                    || (_hasOutput && _queue.IsSendDue))
                {
                    return TurnEnd.Over;
                }
            }

            return TurnEnd.NoInput;
        }
        finally
        {
            _hasWaited = false;
            _flow.Pace.CountCalls(calls, bytes);
            ReleaseOutput();
            _turns.Leave();
        }
    }

    private void Serve(in RequestMessage message)
    {
        if (_hasOutput)
        {
            _queue.WriteIfWanted();
        }

        if (_caller.Principal is { } principal && principal != _principal)
        {
            Follow(principal);
        }

        int cost = message.Bytes.Length + CallOverheadBytes;
        _flow.PayForCall(message.Bytes.Length);
        IPendingCall call = FindFullLimit(cost) is string fullLimit
            ? _dispatcher.Refuse(in message, ErrorCode.OVERLOADED, fullLimit)
            : _dispatcher.Dispatch(in message);
        if (MayAnswerNow(call) && call.TryAnswerNow(_output, out ErrorCode code))
        {
            _statistics.Record(call, code, _caller);
        }
        else
        {
            call.ChargedBytes = cost;
            call.Charged = _flow;
            call.Start(_queue, _queue.Enqueue(call));
        }
    }

    /// <summary>
    /// From a login on, calls are the user's, from whatever address; those in flight stay what they were.
    /// </summary>
    private void Follow(Principal principal)
    {
        LeaveUser();
        _principal = principal;
        _flow = principal.IsAnonymous ? _address : _flows.EnterUser(principal.Name);
        _queue.Flow = _flow;
        _messages.Flow = _flow;
    }

    private void LeaveUser()
    {
        if (_flow != _address)
        {
            _flows.LeaveUser(_flow);
        }
    }

    /// <summary>
    /// Whether a call that waits for nothing may be answered immediately. Answers leave in arrival order, so no other
    /// call may be waiting. A traced call always goes through the queue, which ends its span.
    /// </summary>
    private bool MayAnswerNow(IPendingCall call) => _hasOutput && _queue.Count == 0 && call.Span is null;

    /// <summary>Whether so much of this connection is unanswered that no more is read from it.</summary>
    private bool IsFull => _queue.Count >= _limits.MaxInFlightCallsPerConnection
        || _queue.ChargedBytes >= _limits.MaxInFlightBytesPerConnection;

    /// <summary>
    /// Reads nothing until the caller's rates and its pace allow more. What it sends meanwhile waits in the connection,
    /// which holds no more of it than its buffers, and so makes the client wait.
    /// </summary>
    private async Task PauseAsync()
    {
        _isPaused = true;
        _statistics.CountRateWait();
        await _flow.WaitAsync(() => _isStopping || _broken is not null, _time);
        _hasWaited = true;

        // The time in which nothing was read is no fault of whoever sends a message.
        _messages.RestartPartial();
        _isPaused = false;
    }

    private async Task WaitForRoomAsync()
    {
        await _queue.WaitUntilAtMostAsync(_limits.MaxInFlightCallsPerConnection / 2);
        while (_queue.ChargedBytes > _limits.MaxInFlightBytesPerConnection / 2)
        {
            await _queue.WaitUntilAtMostAsync(_queue.Count / 2);
        }
    }

    /// <summary>The limit for which a call that costs so much is refused; null if there is room.</summary>
    private string? FindFullLimit(int cost) =>
        _messages.FullLimit ?? (_budget.HasRoomFor(_flow, cost, out string? full) ? null : full);

    private void ReleaseOutput()
    {
        if (_hasOutput)
        {
            _hasOutput = false;
            _queue.ReleaseOutput();
        }
    }

    /// <summary>
    /// Returns the connection's socket, to which answers are written directly, or through TLS; Kestrel's output pipe
    /// stays unused.
    /// </summary>
    private static Socket SocketOf(ConnectionContext connection) =>
        connection.Features.Get<IConnectionSocketFeature>()?.Socket
        ?? throw new InvalidOperationException(
            "the RPC port needs Kestrel's socket transport without connection middleware");

    private async Task<bool> AnswerRestAsync()
    {
        try
        {
            await _queue.WaitUntilAtMostAsync(0)
                .WaitAsync(TimeSpan.FromMilliseconds(_limits.MaxTimeoutMs), _time);
            return _broken is null;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private void OnOutputBroken(Exception exception)
    {
        _broken = exception;
        _connection.Transport.Input.CancelPendingRead();
    }
}

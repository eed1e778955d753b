using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Net.Sockets;
using KvCloud.Node.Access;
using KvCloud.Node.Replication;
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
    private readonly CallQueue _queue;
    private readonly MessageReader _messages;
    private readonly Caller _caller;
    private volatile bool _isStopping;
    private volatile Exception? _broken;
    private bool _hasOutput;

    public RpcConnection(
        ConnectionContext connection,
        Caller caller,
        IRpcDispatcher dispatcher,
        RpcLimits limits,
        RpcBudget budget,
        ScanPool scans,
        RpcStatistics statistics,
        IReplicaClock clock,
        TimeProvider time)
    {
        _connection = connection;
        _dispatcher = dispatcher;
        _limits = limits;
        _budget = budget;
        _statistics = statistics;
        _time = time;
        _queue = new CallQueue(
            _output,
            SocketOf(connection),
            connection.Features.Get<ISecuredStreamFeature>()?.Stream,
            budget,
            scans,
            statistics,
            OnOutputBroken);
        _caller = caller;
        _messages = new MessageReader(limits, budget, clock, _caller);
    }

    /// <summary>
    /// <see cref="IReplicaClock.NowMs"/> at the start of the message being received; 0 if there is none.
    /// </summary>
    public long PartialSinceMs => _messages.PartialSinceMs;

    /// <summary>Who has logged in on the connection.</summary>
    public Principal Principal => _caller.Principal;

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
            _hasOutput = _queue.TryAcquireOutput();
            try
            {
                while (_messages.TryRead(ref buffer, received, out RequestMessage message))
                {
                    _output.IsFramed = _messages.IsFramed == true;
                    Serve(in message);
                    _messages.Release();
                    if (_queue.Count >= _limits.MaxInFlightCallsPerConnection)
                    {
                        ReleaseOutput();
                        await _queue.WaitUntilAtMostAsync(_limits.MaxInFlightCallsPerConnection / 2);
                        _hasOutput = _queue.TryAcquireOutput();
                    }
                }
            }
            finally
            {
                ReleaseOutput();
            }

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

    private void Serve(in RequestMessage message)
    {
        if (_hasOutput)
        {
            _queue.WriteIfWanted();
        }

        int cost = message.Bytes.Length + CallOverheadBytes;
        string? fullLimit = null;
        IPendingCall call = _messages.IsRefused || !_budget.HasRoomFor(cost, out fullLimit)
            ? _dispatcher.Refuse(in message, ErrorCode.OVERLOADED, fullLimit ?? RefusedText)
            : _dispatcher.Dispatch(in message);
        RpcMethod method = call.Method;
        if (MayAnswerNow(call) && call.TryAnswerNow(_output, out ErrorCode code))
        {
            _statistics.Record(method, code, message.ReceivedTimestamp);
            if (_queue.IsSendDue)
            {
                ReleaseOutput();
                _hasOutput = _queue.TryAcquireOutput();
            }
        }
        else
        {
            call.ChargedBytes = cost;
            call.Start(_queue, _queue.Enqueue(call));
        }
    }

    /// <summary>
    /// Whether a call that waits for nothing may be answered immediately. Answers leave in arrival order, so no other
    /// call may be waiting. A traced call always goes through the queue, which ends its span.
    /// </summary>
    private bool MayAnswerNow(IPendingCall call) => _hasOutput && _queue.Count == 0 && call.Span is null;

    private string RefusedText =>
        $"this node holds {_limits.MaxInFlightBytesPerNode} bytes of requests in flight (max_in_flight_bytes)";

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

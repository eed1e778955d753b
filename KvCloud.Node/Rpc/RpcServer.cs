using System.Collections.Concurrent;
using System.Net.Sockets;
using KvCloud.Node.Access;
using KvCloud.Node.Replication;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Flows;
using KvCloud.Node.Telemetry;
using KvCloud.Node.Tls;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Hosting;

namespace KvCloud.Node.Rpc;

/// <summary>Accepts and tracks all client connections of this node. Kestrel passes each new connection here.</summary>
internal sealed partial class RpcServer : ConnectionHandler, IHostedLifecycleService, IAsyncDisposable
{
    private const int LogLinesPerMinute = 10;
    private const int KeepAliveSeconds = 60;
    private const int KeepAliveRetrySeconds = 10;
    private const int KeepAliveRetries = 6;
    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan DrainPoll = TimeSpan.FromMilliseconds(10);

    /// <summary>For connections to close, once nothing is in flight on them or their time is over.</summary>
    private static readonly TimeSpan CloseTime = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<RpcConnection, byte> _connections = new();
    private readonly IRpcDispatcher _dispatcher;
    private readonly RpcLimits _limits;
    private readonly AccessOptions _access;
    private readonly RpcBudget _budget;
    private readonly ScanPool _scans;
    private readonly RpcStatistics _statistics;
    private readonly IReplicaClock _clock;
    private readonly ILogger<RpcServer> _logger;
    private readonly LogRateLimit _badInputLog;
    private readonly LogRateLimit _rejectedLog;
    private readonly LogRateLimit[] _tlsLogs;
    private readonly ClientTls? _tls;
    private readonly LogRateLimit _slowLog;
    private readonly RpcFlows _flows;
    private readonly PacingThread _pacing;
    private readonly TimeProvider _time;
    private readonly PeriodicTimer _sweepTimer;
    private Task _sweep = Task.CompletedTask;
    private int _connectionCount;
    private volatile bool _isDraining;

    public RpcServer(
        IRpcDispatcher dispatcher,
        RpcOptions options,
        RpcBudget budget,
        ScanPool scans,
        RpcStatistics statistics,
        RpcFlows flows,
        PacingThread pacing,
        IReplicaClock clock,
        TimeProvider time,
        ILogger<RpcServer> logger,
        ClientTls? tls = null)
    {
        _tls = tls;
        _dispatcher = dispatcher;
        _limits = options.Limits;
        _access = options.Access;
        _budget = budget;
        _scans = scans;
        _statistics = statistics;
        _clock = clock;
        _time = time;
        _sweepTimer = new PeriodicTimer(SweepInterval, time);
        _logger = logger;
        _badInputLog = NewLogLimit(time);
        _rejectedLog = NewLogLimit(time);
        _tlsLogs = [.. Enum.GetValues<TlsRefusal>().Select(_ => NewLogLimit(time))];
        _slowLog = NewLogLimit(time);
        _flows = flows;
        _pacing = pacing;
        statistics.ObserveConnections(() => Volatile.Read(ref _connectionCount));
        statistics.ObserveCallers(() => flows.Count, () => flows.WaitingWriters, () => flows.Paced);
    }

    public int ConnectionCount => Volatile.Read(ref _connectionCount);

    /// <summary>Whether new calls are answered SHUTTING_DOWN and new connections closed.</summary>
    public bool IsDraining => _isDraining;

    public override async Task OnConnectedAsync(ConnectionContext connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        Interlocked.Increment(ref _connectionCount);
        try
        {
            if (_isDraining)
            {
                return;
            }

            if (_flows.TryEnter(connection.RemoteEndPoint, out string? limit) is not { } flow)
            {
                Reject(connection, limit!);
                return;
            }

            try
            {
                KeepAlive(connection);
                await (_tls is null ? ServeAsync(connection, flow) : ServeSecuredAsync(connection, flow, _tls));
            }
            finally
            {
                _flows.Leave(flow);
            }
        }
        finally
        {
            Interlocked.Decrement(ref _connectionCount);
        }
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _sweep = SweepAsync();
        _pacing.Start();
        return Task.CompletedTask;
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>The host calls this before it stops anything else: Kestrel and the replica still work.</summary>
    public Task StoppingAsync(CancellationToken cancellationToken) => DrainAsync(cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>
    /// Accepts no more connections, answers new calls SHUTTING_DOWN, lets those in flight finish within
    /// drain_timeout_ms, then closes all connections. Must run before the replica stops, because the replica answers
    /// the calls in flight.
    /// </summary>
    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        _isDraining = true;
        _dispatcher.RefuseNewCalls();
        _scans.Drain();
        Log.Draining(_logger, _connections.Count, _budget.Calls);
        long started = _time.GetTimestamp();
        var limit = TimeSpan.FromMilliseconds(_limits.DrainTimeoutMs);
        while (_budget.Calls > 0 && _time.GetElapsedTime(started) < limit && !cancellationToken.IsCancellationRequested)
        {
            await Task.Delay(DrainPoll, _time, CancellationToken.None);
        }

        foreach (RpcConnection connection in _connections.Keys)
        {
            connection.Stop();
        }

        while (!_connections.IsEmpty && _time.GetElapsedTime(started) < limit + CloseTime)
        {
            await Task.Delay(DrainPoll, _time, CancellationToken.None);
        }

        long left = _budget.Calls;
        foreach (RpcConnection connection in _connections.Keys)
        {
            connection.Abort("the node is stopping");
        }

        Log.Drained(_logger, left);
    }

    public async ValueTask DisposeAsync()
    {
        _sweepTimer.Dispose();
        await _sweep;
    }

    private async Task ServeAsync(ConnectionContext context, RpcFlow flow)
    {
        var caller = new Caller(context.RemoteEndPoint)
        {
            // The handshake is over, and has found the certificate good.
            Principal = CertificateLogin.Of(
                context.Features.Get<ITlsConnectionFeature>()?.ClientCertificate, _access.ClusterId),
        };
        var connection = new RpcConnection(
            context, caller, _dispatcher, _limits, _budget, _scans, _statistics, _flows, flow, _clock, _time);
        _connections.TryAdd(connection, 0);
        if (_isDraining)
        {
            connection.Stop();
        }

        try
        {
            string? error = await connection.RunAsync();
            if (error is not null)
            {
                _statistics.CountBadInput();
                if (_badInputLog.TryPass(out long suppressed))
                {
                    Log.BadInput(_logger, connection.Client, error, suppressed);
                }
            }
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // Covers resets and aborts, which are normal on any network; a call may have been in flight.
            Log.ConnectionLost(_logger, connection.Client, exception.Message);
        }
        catch (Exception exception)
        {
            Log.ConnectionFailed(_logger, exception, connection.Client);
        }
        finally
        {
            _connections.TryRemove(connection, out _);
        }
    }

    private async Task ServeSecuredAsync(ConnectionContext connection, RpcFlow flow, ClientTls tls)
    {
        try
        {
            await tls.ServeAsync(connection, () => ServeAsync(connection, flow));
        }
        catch (TlsRefusedException refusal)
        {
            if (_tlsLogs[(int)refusal.Kind].TryPass(out long suppressed))
            {
                Log.TlsRefused(_logger, connection.RemoteEndPoint?.ToString(), refusal.Message, suppressed);
            }
        }
        catch (Exception error) when (error is IOException or OperationCanceledException)
        {
            Log.ConnectionLost(_logger, connection.RemoteEndPoint?.ToString() ?? "unknown", error.Message);
        }
    }

    private static LogRateLimit NewLogLimit(TimeProvider time) => new(LogLinesPerMinute, TimeSpan.FromMinutes(1), time);

    /// <summary>A client whose machine is gone closes nothing; the system finds that out by asking it.</summary>
    private static void KeepAlive(ConnectionContext context)
    {
        if (context.Features.Get<IConnectionSocketFeature>()?.Socket is { } socket)
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, KeepAliveSeconds);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, KeepAliveRetrySeconds);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, KeepAliveRetries);
        }
    }

    private void Reject(ConnectionContext connection, string limit)
    {
        _statistics.CountRejectedConnection(limit);
        if (_rejectedLog.TryPass(out long suppressed))
        {
            Log.Rejected(_logger, connection.RemoteEndPoint?.ToString(), limit, suppressed);
        }
    }

    /// <summary>
    /// Closes connections whose message takes too long to arrive, because its bytes are charged to the shared budget.
    /// </summary>
    private async Task SweepAsync()
    {
        // Disposing the timer ends the loop.
        while (await _sweepTimer.WaitForNextTickAsync(CancellationToken.None))
        {
            foreach (RpcConnection connection in _connections.Keys)
            {
                CloseIfTooSlow(connection);
            }

            _flows.ForgetIdle();
        }
    }

    private void CloseIfTooSlow(RpcConnection connection)
    {
        long now = _clock.NowMs;
        if (connection.PartialSinceMs is > 0 and var since && since < now - _limits.MessageTimeoutMs)
        {
            Close(connection, "its message was not complete within message_timeout_ms", _limits.MessageTimeoutMs);
        }
        else if (_limits.FirstMessageTimeoutMs > 0 && connection.SilentSinceMs is > 0 and var silent
            && silent < now - _limits.FirstMessageTimeoutMs)
        {
            Close(connection, "it sent nothing within first_message_timeout_ms", _limits.FirstMessageTimeoutMs);
        }
    }

    private void Close(RpcConnection connection, string why, int limitMs)
    {
        if (_slowLog.TryPass(out long suppressed))
        {
            Log.TooSlow(_logger, connection.Client, why, limitMs, suppressed);
        }

        connection.Abort(why);
    }

    private static partial class Log
    {
        [LoggerMessage(2110, LogLevel.Warning,
            "Closed the connection of client {Client}: {Error} ({Suppressed} similar lines suppressed)")]
        public static partial void BadInput(ILogger logger, string client, string error, long suppressed);

        [LoggerMessage(2111, LogLevel.Warning,
            "Rejected client {Client}: {Limit} ({Suppressed} similar lines suppressed)")]
        public static partial void Rejected(ILogger logger, string? client, string limit, long suppressed);

        [LoggerMessage(2112, LogLevel.Warning,
            "Refused client {Client}: {Reason} ({Suppressed} similar lines suppressed)")]
        public static partial void TlsRefused(ILogger logger, string? client, string reason, long suppressed);

        [LoggerMessage(2113, LogLevel.Warning,
            "Closed the connection of client {Client}: {Why} ({LimitMs}) ({Suppressed} similar lines suppressed)")]
        public static partial void TooSlow(ILogger logger, string client, string why, int limitMs, long suppressed);

        [LoggerMessage(2114, LogLevel.Debug, "Lost the connection of client {Client}: {Reason}")]
        public static partial void ConnectionLost(ILogger logger, string client, string reason);

        [LoggerMessage(2115, LogLevel.Error, "Connection of client {Client} failed")]
        public static partial void ConnectionFailed(ILogger logger, Exception exception, string client);

        [LoggerMessage(2116, LogLevel.Information, "Draining: {Connections} connections, {Calls} calls in flight")]
        public static partial void Draining(ILogger logger, int connections, long calls);

        [LoggerMessage(2117, LogLevel.Information, "Drained: {Calls} calls left unanswered")]
        public static partial void Drained(ILogger logger, long calls);
    }
}

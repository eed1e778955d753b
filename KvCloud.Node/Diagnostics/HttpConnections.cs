using System.Diagnostics.Metrics;
using KvCloud.Node.Replication.Fairness;
using KvCloud.Node.Telemetry;
using KvCloud.Node.Tls;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace KvCloud.Node.Diagnostics;

/// <summary>
/// Bounds the connections to the HTTP port: in number, with a share for each address, and their TLS handshakes in
/// number and time, so that strangers who connect and say nothing keep no probe out. Thread-safe.
/// </summary>
/// <param name="limit">max_http_connections.</param>
internal sealed partial class HttpConnections(int limit, CertificateStore? certificates, TimeProvider time)
{
    private const int LogLinesPerMinute = 10;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _held = new(StringComparer.Ordinal);
    private readonly LogRateLimit _rejectedLog = new(LogLinesPerMinute, TimeSpan.FromMinutes(1), time);
    private readonly PendingHandshakes? _handshakes =
        certificates is { Options.Http: true } ? new PendingHandshakes(certificates.Options.MaxHandshakes) : null;

    private int _count;
    private long _rejected;

    /// <summary>Open ones, those in their handshake included.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _count;
            }
        }
    }

    /// <summary>Whether it speaks TLS.</summary>
    public bool IsSecured => _handshakes is not null;

    /// <summary>TLS handshakes in progress.</summary>
    public int PendingHandshakes => _handshakes?.Count ?? 0;

    /// <summary>Puts the bounds, and TLS if it is not off, before what the port serves.</summary>
    public void Guard(ListenOptions listen)
    {
        IServiceProvider services = listen.ApplicationServices;
        ILogger logger = services.GetRequiredService<ILogger<HttpConnections>>();
        Observe(services.GetRequiredService<IMeterFactory>());
        listen.Use(next => connection => ServeAsync(connection, next, logger));
        if (_handshakes is null)
        {
            return;
        }

        listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            // Asked for each connection: the certificates of that moment.
            OnConnection = _ => ValueTask.FromResult(ClientTls.ServerOptions(certificates!)),
            HandshakeTimeout = certificates!.Options.HandshakeTimeout,
        });
        listen.Use(next => connection =>
        {
            connection.Features.Get<Handshake>()?.End();
            return next(connection);
        });
    }

    public void Observe(IMeterFactory meters)
    {
        Meter meter = meters.Create(MeterNames.Node);
        meter.CreateObservableGauge(
            "kvcloud.http.connections", () => Count, "{connection}", "Open connections to the HTTP port.");
        meter.CreateObservableGauge(
            "kvcloud.http.handshakes", () => PendingHandshakes, "{handshake}",
            "TLS handshakes on the HTTP port that are not done.");
        meter.CreateObservableCounter(
            "kvcloud.http.rejected_connections", () => Interlocked.Read(ref _rejected), "{connection}",
            "Connections to the HTTP port closed because of max_http_connections.");
    }

    private async Task ServeAsync(ConnectionContext connection, ConnectionDelegate next, ILogger logger)
    {
        string caller = CallerAddress.NameOf(connection.RemoteEndPoint);
        if (FindFullLimit(caller) is string full)
        {
            Interlocked.Increment(ref _rejected);
            if (_rejectedLog.TryPass(out long suppressed))
            {
                Log.Rejected(logger, connection.RemoteEndPoint?.ToString() ?? "unknown", full, suppressed);
            }

            return;
        }

        try
        {
            await (_handshakes is null ? next(connection) : SecureAsync(connection, next, _handshakes));
        }
        finally
        {
            Leave(caller);
        }
    }

    private static async Task SecureAsync(
        ConnectionContext connection, ConnectionDelegate next, PendingHandshakes handshakes)
    {
        using var room = new CancellationTokenSource();
        await using CancellationTokenRegistration abort = room.Token.Register(
            () => connection.Abort(new ConnectionAbortedException("its handshake made room for newer ones")));
        var handshake = new Handshake(handshakes, room);
        connection.Features.Set(handshake);
        handshakes.Enter(room);
        try
        {
            await next(connection);
        }
        finally
        {
            handshake.End();
        }
    }

    /// <summary>Counts the connection, unless a limit is full: then that is named.</summary>
    private string? FindFullLimit(string caller)
    {
        lock (_gate)
        {
            int held = _held.GetValueOrDefault(caller);
            if (_count >= limit)
            {
                return $"max_http_connections ({limit}) reached";
            }

            if (FairShare.IsUsedUp(held, _count, limit))
            {
                return $"max_http_connections ({limit}): {FairShare.Describe(caller, held, "connections")}";
            }

            _held[caller] = held + 1;
            _count++;
            return null;
        }
    }

    private void Leave(string caller)
    {
        lock (_gate)
        {
            _count--;
            if (--_held[caller] == 0)
            {
                _held.Remove(caller);
            }
        }
    }

    /// <summary>One that is in progress.</summary>
    private sealed class Handshake(PendingHandshakes handshakes, CancellationTokenSource room)
    {
        public void End() => handshakes.Leave(room);
    }

    private static partial class Log
    {
        [LoggerMessage(2118, LogLevel.Warning,
            "Rejected {Remote} at the HTTP port: {Limit} ({Suppressed} similar lines suppressed)")]
        public static partial void Rejected(ILogger logger, string remote, string limit, long suppressed);
    }
}

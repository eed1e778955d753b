using System.Net.Security;
using KvCloud.Protocol;

namespace KvCloud.Client;

/// <summary>
/// Settings of a <see cref="KvCloudClient"/>; section `Aspire:KvCloud:Client` of the configuration, and the connection
/// string.
/// </summary>
public sealed class KvCloudClientSettings
{
    /// <summary>
    /// `Endpoints=host:9090,host:9091;Consistency=read_index;Timeout=10s` with any of the settings below as keys, or
    /// just endpoints with commas between. What it says goes before the other settings.
    /// </summary>
    public string? ConnectionString { get; set; }

    /// <summary>
    /// Where to find the cluster: `host:port`; one node is enough. Without a port it is a name of service discovery,
    /// where that is set up, else a host with port 9090.
    /// </summary>
    public IList<string> Endpoints { get; } = [];

    /// <summary>
    /// How fresh reads are unless they say otherwise. Default: READ_INDEX, linearizable from any replica.
    /// </summary>
    public ReadConsistency Consistency { get; set; } = ReadConsistency.READ_INDEX;

    /// <summary>
    /// For local reads: how long a replica may have been out of touch. Null: as the server is configured.
    /// </summary>
    public TimeSpan? MaxStaleness { get; set; }

    /// <summary>Time for a call with all its attempts. Default: 10 s.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long one node may take before another is asked, where that is safe. Default: 3 s.</summary>
    public TimeSpan AttemptTimeout { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>Time to open a connection. Default: 2 s.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Silence after which a connection is pinged. Default: 30 s.</summary>
    public TimeSpan KeepAliveInterval { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Silence, while an answer is overdue, after which a connection counts as dead. Default: 2 s.</summary>
    public TimeSpan KeepAliveTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How often the client asks who belongs to the cluster. Default: 10 s; after a failure at once.</summary>
    public TimeSpan RefreshInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Connections opened to a node as soon as it is used. Default: 1.</summary>
    public int MinConnectionsPerNode { get; set; } = 1;

    /// <summary>Connections to a node at most. Default: 4.</summary>
    public int MaxConnectionsPerNode { get; set; } = 4;

    /// <summary>Another connection is opened when each has this many calls in flight. Default: 64.</summary>
    public int CallsBeforeAnotherConnection { get; set; } = 64;

    /// <summary>
    /// Calls in flight on one connection at most, 1 to 32768; more wait. Default: 1024, as the server's.
    /// </summary>
    public int MaxCallsPerConnection { get; set; } = 1024;

    /// <summary>Bytes that wait to be sent on one connection; more wait with their callers. Default: 16 MiB.</summary>
    public int MaxUnsentBytesPerConnection { get; set; } = 16 * 1024 * 1024;

    /// <summary>Size of one call at most; a larger one is refused unsent. Default: 16 MiB, as the server's.</summary>
    public int MaxRequestBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary>Size of one answer at most. Default: 64 MiB.</summary>
    public int MaxResponseBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>
    /// Whether writes carry an identity by which the cluster runs them once, so that a lost answer can be asked for
    /// again. Default: true. Without it a lost answer is told as OUTCOME_UNKNOWN.
    /// </summary>
    public bool ExactlyOnce { get; set; } = true;

    /// <summary>Token sent with administrative calls, where the cluster requires one.</summary>
    public string? AuthToken { get; set; }

    /// <summary>The user to log in as, where the cluster asks who calls; with <see cref="Password"/>.</summary>
    public string? User { get; set; }

    /// <summary>The password of <see cref="User"/>.</summary>
    public string? Password { get; set; }

    /// <summary>A token to log in with: one of a user, or one of an identity provider (JWT).</summary>
    public string? Token { get; set; }

    /// <summary>
    /// Gives the token for each login, of each connection and when one has ended: for tokens that are renewed. Not from
    /// configuration.
    /// </summary>
    public Func<CancellationToken, ValueTask<string>>? TokenProvider { get; set; }

    /// <summary>
    /// Whether to speak TLS. Any of the settings below that says how to turns it on too. Default: false.
    /// </summary>
    public bool UseTls { get; set; }

    /// <summary>
    /// PEM file of the CAs by which nodes' certificates are believed. Null: those that this machine trusts. This and
    /// the next two files are looked at with each new connection, so that they can be replaced.
    /// </summary>
    public string? TlsCa { get; set; }

    /// <summary>PEM file of the client's own certificate, and of those between it and its CA. Null: none.</summary>
    public string? TlsCertificate { get; set; }

    /// <summary>PEM file of the certificate's private key, without a password.</summary>
    public string? TlsKey { get; set; }

    /// <summary>The name that every node's certificate must have. Null: the host by which it is called.</summary>
    public string? TlsServerName { get; set; }

    /// <summary>The oldest version of TLS that is spoken: 1.2 or 1.3. Default: 1.3.</summary>
    public string TlsMinVersion { get; set; } = "1.3";

    /// <summary>
    /// How to speak TLS; setting it turns TLS on. What the settings above say goes before it. Not from configuration.
    /// </summary>
    public SslClientAuthenticationOptions? TlsOptions { get; set; }

    /// <summary>True: `AddKvCloudClient` registers no health check.</summary>
    public bool DisableHealthChecks { get; set; }

    /// <summary>Time of the health check, after which the cluster counts as unhealthy. Default: 5 s.</summary>
    public TimeSpan HealthCheckTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>True: `AddKvCloudClient` adds no activity source to OpenTelemetry.</summary>
    public bool DisableTracing { get; set; }

    /// <summary>True: `AddKvCloudClient` adds no meter to OpenTelemetry.</summary>
    public bool DisableMetrics { get; set; }

    /// <summary>The clock of deadlines and of the background work; tests give one that they move.</summary>
    internal TimeProvider Time { get; set; } = TimeProvider.System;
}

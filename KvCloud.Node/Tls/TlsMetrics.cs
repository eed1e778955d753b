using System.Diagnostics.Metrics;
using System.Security.Authentication;
using KvCloud.Node.Telemetry;

namespace KvCloud.Node.Tls;

/// <summary>Counts handshakes, and shows how long the certificates last. Kestrel counts those of HTTP itself.</summary>
internal sealed class TlsMetrics
{
    public const string ClientsPort = "clients";

    /// <summary>Calls of peers to this node.</summary>
    public const string PeersPort = "peers";

    /// <summary>This node's calls to its peers.</summary>
    public const string ToPeers = "to_peers";

    public const string Handshakes = "kvcloud.tls.handshakes";

    private readonly Counter<long> _handshakes;

    public TlsMetrics(IMeterFactory meters, CertificateStore? store = null)
    {
        Meter meter = meters.Create(MeterNames.Node);
        _handshakes = meter.CreateCounter<long>(
            Handshakes, "{handshake}", "TLS handshakes by port, result and version.");
        if (store is null)
        {
            return;
        }

        meter.CreateObservableGauge(
            "kvcloud.tls.certificate_expiry",
            () => (store.Current.NotAfter - store.Now).TotalSeconds,
            "s",
            "Time until this node's certificate ends.");
        meter.CreateObservableGauge(
            "kvcloud.tls.ca_expiry",
            () => store.Current.CaNotAfter is DateTimeOffset end
                ? [new Measurement<double>((end - store.Now).TotalSeconds)]
                : Array.Empty<Measurement<double>>(),
            "s",
            "Time until the CA of this node's certificate ends.");
        meter.CreateObservableCounter(
            "kvcloud.tls.reloads", () => store.Reloads, "{reload}", "Times that certificates were loaded anew.");
        meter.CreateObservableCounter(
            "kvcloud.tls.failed_reloads",
            () => store.FailedReloads,
            "{reload}",
            "Times that changed files could not be used, and the former certificates stayed in use.");
    }

    public void Done(string port, SslProtocols version) => Count(port, "ok", version switch
    {
        SslProtocols.Tls12 => "1.2",
        SslProtocols.Tls13 => "1.3",
        _ => "other",
    });

    /// <summary>The other side is not who it has to be, or speaks clear text where TLS is required.</summary>
    public void Refused(string port) => Count(port, "refused", "");

    /// <summary>It broke off, took too long, or had no version or cipher in common.</summary>
    public void Failed(string port) => Count(port, "failed", "");

    private void Count(string port, string result, string version) => _handshakes.Add(
        1,
        new KeyValuePair<string, object?>("port", port),
        new KeyValuePair<string, object?>("result", result),
        new KeyValuePair<string, object?>("version", version));
}

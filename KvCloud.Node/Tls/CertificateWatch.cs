using System.Security.Cryptography.X509Certificates;

namespace KvCloud.Node.Tls;

/// <summary>Looks at the files now and then, and warns while there is time before a certificate ends.</summary>
internal sealed partial class CertificateWatch(
    CertificateStore store, TimeProvider time, ILogger<CertificateWatch> logger) : BackgroundService
{
    /// <summary>Warnings begin so long before the end.</summary>
    public static readonly TimeSpan WarnsBefore = TimeSpan.FromDays(30);

    private static readonly TimeSpan WarnsEvery = TimeSpan.FromDays(1);

    private DateTimeOffset _warnedAt = DateTimeOffset.MinValue;

    /// <summary>One look at the files and at the time.</summary>
    public void Look()
    {
        switch (store.Poll())
        {
            case ReloadOutcome.Reloaded:
                X509Certificate2 now = store.Current.Certificate;
                Log.Reloaded(
                    logger, CertificateNames.Describe(now), now.SerialNumber, CertificateChecks.Day(now.NotAfter));
                _warnedAt = DateTimeOffset.MinValue;
                break;
            case ReloadOutcome.Failed:
                Log.NotReloaded(logger, store.Failure);
                break;
            default:
                break;
        }

        WarnOfExpiry();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        Log.InUse(
            logger,
            CertificateNames.Describe(store.Current.Certificate),
            CertificateChecks.Day(store.Current.Certificate.NotAfter),
            store.Options.Clients,
            store.Options.Peers,
            store.Options.Http ? TlsMode.Required : TlsMode.Off);
        WarnOfExpiry();
        using var timer = new PeriodicTimer(store.Options.ReloadInterval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
            {
                Look();
            }
        }
        catch (OperationCanceledException)
        {
            // The node stops.
        }
    }

    private void WarnOfExpiry()
    {
        DateTimeOffset now = time.GetUtcNow();
        if (now - _warnedAt < WarnsEvery || CertificateExpiry.Of(store, now) is not string ends)
        {
            return;
        }

        _warnedAt = now;
        Log.Expires(logger, ends);
    }

    private static partial class Log
    {
        [LoggerMessage(3100, LogLevel.Information,
            "TLS with the certificate of {Names}, valid to {NotAfter}: clients {Clients}, peers {Peers}, HTTP {Http}")]
        public static partial void InUse(
            ILogger logger, string names, string notAfter, TlsMode clients, TlsMode peers, TlsMode http);

        [LoggerMessage(3101, LogLevel.Information,
            "Certificates loaded anew: {Names}, serial {Serial}, valid to {NotAfter}")]
        public static partial void Reloaded(ILogger logger, string names, string serial, string notAfter);

        [LoggerMessage(3102, LogLevel.Error,
            "The files have changed and cannot be used; the former certificates stay in use. {Reason}")]
        public static partial void NotReloaded(ILogger logger, string? reason);

        [LoggerMessage(3103, LogLevel.Warning, "{Ends}")]
        public static partial void Expires(ILogger logger, string ends);
    }
}

using KvCloud.Client;

namespace KvCloud.Cli.Bank;

/// <summary>
/// Repeatedly sums all accounts at one version on every replica. The total must be the same at every version and on
/// every replica.
/// </summary>
internal sealed class BankAuditor(KvCloudClient client, BankAccounts accounts, IReadOnlyList<string> endpoints)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan ReadTimeout = TimeSpan.FromSeconds(2);

    private readonly long[] _sums = new long[endpoints.Count];
    private long _unreachable;

    /// <summary>Number of correct sums, by replica.</summary>
    public IReadOnlyList<long> Sums => _sums;

    /// <summary>Reads that failed because the replica was down or knew no leader.</summary>
    public long Unreachable => Interlocked.Read(ref _unreachable);

    /// <summary>The first violation found, or null.</summary>
    public string? Finding { get; private set; }

    /// <summary>Audits all replicas concurrently, so that one that is down does not delay the others.</summary>
    public Task RunAsync(CancellationToken until) =>
        Task.WhenAll(Enumerable.Range(0, endpoints.Count).Select(replica => WatchAsync(replica, until)));

    /// <summary>Sums once on one replica, with retries while it catches up.</summary>
    public async Task<bool> AuditAsync(int replica, long version, CancellationToken cancellationToken)
    {
        var options = new KvReadOptions { AtVersion = version, Endpoint = endpoints[replica], Timeout = ReadTimeout };
        try
        {
            long sum = 0;
            int rows = 0;
            await foreach (KvEntry row in client.RangeAsync(BankAccounts.Range, options, cancellationToken))
            {
                sum += BankAccounts.Read(row.Value);
                rows++;
            }

            if (sum != accounts.Total || rows != accounts.Count)
            {
                Finding ??= $"at version {version} on {endpoints[replica]} {rows} accounts hold {sum}, "
                    + $"not {accounts.Count} accounts {accounts.Total}";
                return false;
            }

            Interlocked.Increment(ref _sums[replica]);
            return true;
        }
        catch (KvCloudException exception) when (exception.IsTransient)
        {
            Interlocked.Increment(ref _unreachable);
            return false;
        }
    }

    private async Task WatchAsync(int replica, CancellationToken until)
    {
        while (!until.IsCancellationRequested && Finding is null)
        {
            try
            {
                long version = await client.GetReadVersionAsync(new KvReadOptions { Timeout = ReadTimeout }, until);
                await AuditAsync(replica, version, until);
                await Task.Delay(Pause, until);
            }
            catch (KvCloudException exception) when (exception.IsTransient)
            {
                Interlocked.Increment(ref _unreachable);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }
}

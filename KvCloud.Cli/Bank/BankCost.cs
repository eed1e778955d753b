using System.Diagnostics;
using KvCloud.Client;

namespace KvCloud.Cli.Bank;

/// <summary>
/// The cost of a transfer relative to a plain set of a value of the same size. Both are measured one after the other
/// with the same number of clients in this process, with all replicas up.
/// </summary>
/// <param name="TransferMs">Mean time from begin to commit, including retries after conflicts.</param>
/// <param name="SetMs">Mean time from call to answer.</param>
internal sealed record BankCost(double TransferMs, double SetMs)
{
    private static readonly TimeSpan LongestTime = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan WarmUp = TimeSpan.FromMilliseconds(500);

    public static async Task<BankCost> MeasureAsync(
        KvCloudClient client, BankRun run, CancellationToken cancellationToken)
    {
        int clients = run.Clients;
        TimeSpan time = run.Duration / 4 < LongestTime ? run.Duration / 4 : LongestTime;
        Task Transfer(int number) => run.Accounts.TransferAsync(client, cancellationToken);
        async Task Set(int number) =>
            await client.SetAsync(Yardstick(number), BankAccounts.Write(number), null, cancellationToken);

        await RepeatAsync(Transfer, clients, WarmUp);
        double transferMs = await RepeatAsync(Transfer, clients, time);
        await RepeatAsync(Set, clients, WarmUp);
        double setMs = await RepeatAsync(Set, clients, time);
        for (int number = 0; number < clients; number++)
        {
            await client.DeleteAsync(Yardstick(number), null, cancellationToken);
        }

        return new BankCost(transferMs, setMs);
    }

    private static async Task<double> RepeatAsync(Func<int, Task> call, int clients, TimeSpan time)
    {
        long calls = 0;
        long started = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, clients).Select(async number =>
        {
            while (Stopwatch.GetElapsedTime(started) < time)
            {
                await call(number);
                Interlocked.Increment(ref calls);
            }
        }));
        return Stopwatch.GetElapsedTime(started).TotalMilliseconds * clients / Math.Max(calls, 1);
    }

    /// <summary>A key next to the accounts that does not count as one.</summary>
    private static byte[] Yardstick(int number)
    {
        byte[] key = BankAccounts.Key(number);
        key[0] = (byte)'B';
        return key;
    }
}

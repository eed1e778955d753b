using System.Diagnostics;
using KvCloud.Client.Diagnostics;
using KvCloud.Protocol;

namespace KvCloud.Client.Transactions;

/// <summary>Runs a transaction's body until its commit succeeds.</summary>
internal static class TransactionRunner
{
    private const int FirstPauseMs = 1;
    private const int LongestPauseMs = 100;

    public static async Task<T> RunAsync<T>(
        KvCloudClient client,
        Func<KvTransaction, Task<T>> body,
        KvTransactionOptions options,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        // The duration is measured; the deadline is kept by the client's clock.
        long measuredFrom = Stopwatch.GetTimestamp();
        long started = time.GetTimestamp();
        using Activity? activity = ClientTelemetry.Source.StartActivity(ClientTelemetry.TransactionSpan);
        ErrorCode outcome = ErrorCode.INTERNAL;
        try
        {
            for (int attempt = 1; ; attempt++)
            {
                try
                {
                    var transaction = new KvTransaction(client, options);
                    T result = await body(transaction).ConfigureAwait(false);
                    await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
                    outcome = ErrorCode.OK;
                    return result;
                }
                catch (KvCloudException exception)
                    when (exception.IsTransient
                        && attempt < options.MaxAttempts
                        && time.GetElapsedTime(started) < options.Timeout
                        && !cancellationToken.IsCancellationRequested)
                {
                    // It certainly had no effect; an unknown outcome goes to the caller.
                    ClientTelemetry.TransactionRetried(exception.ErrorCode, activity);
                }

                await Task.Delay(TimeSpan.FromMilliseconds(PauseMs(attempt)), time, cancellationToken)
                    .ConfigureAwait(false);
            }
        }
        catch (KvCloudException exception)
        {
            outcome = exception.ErrorCode;
            activity?.SetStatus(ActivityStatusCode.Error, exception.Message);
            throw;
        }
        finally
        {
            ClientTelemetry.Transacted(outcome, measuredFrom, activity);
        }
    }

    private static int PauseMs(int attempt)
    {
        int longest = Math.Min(LongestPauseMs, FirstPauseMs << Math.Min(attempt, 10));
        return Random.Shared.Next(longest + 1);
    }
}

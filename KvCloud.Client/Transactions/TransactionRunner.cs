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
        CancellationToken cancellationToken)
    {
        long started = Stopwatch.GetTimestamp();
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
                    when (MayRunAgain(exception, attempt, started, options, cancellationToken))
                {
                    ClientTelemetry.TransactionRetried(exception.ErrorCode, activity);
                }

                await Task.Delay(PauseMs(attempt), cancellationToken).ConfigureAwait(false);
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
            ClientTelemetry.Transacted(outcome, started, activity);
        }
    }

    /// <summary>
    /// Only a transaction that certainly had no effect is run again; an unknown outcome goes to the caller.
    /// </summary>
    private static bool MayRunAgain(
        KvCloudException exception,
        int attempt,
        long startedTimestamp,
        KvTransactionOptions options,
        CancellationToken cancellationToken) =>
        exception.IsTransient
        && attempt < options.MaxAttempts
        && Stopwatch.GetElapsedTime(startedTimestamp) < options.Timeout
        && !cancellationToken.IsCancellationRequested;

    private static int PauseMs(int attempt)
    {
        int longest = Math.Min(LongestPauseMs, FirstPauseMs << Math.Min(attempt, 10));
        return Random.Shared.Next(longest + 1);
    }
}

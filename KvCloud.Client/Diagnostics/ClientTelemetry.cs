using System.Diagnostics;
using System.Diagnostics.Metrics;
using KvCloud.Client.Wire;
using KvCloud.Protocol;

namespace KvCloud.Client.Diagnostics;

/// <summary>
/// Meter and activity source `KvCloud.Client`. Tags are names of calls and codes, never keys. Costs next to nothing
/// while nobody listens.
/// </summary>
internal static class ClientTelemetry
{
    public const string Name = "KvCloud.Client";

    public static readonly ActivitySource Source = new(Name);

    private static readonly Meter ClientMeter = new(Name);

    private static readonly Histogram<double> CallDuration = ClientMeter.CreateHistogram<double>(
        "kvcloud.client.call.duration", "s", "Time of a call with all its attempts.");

    private static readonly Counter<long> Retries = ClientMeter.CreateCounter<long>(
        "kvcloud.client.retries", "{retry}", "Attempts after the first, by the code of the one before.");

    private static readonly Counter<long> Resolved = ClientMeter.CreateCounter<long>(
        "kvcloud.client.unknown_outcomes.resolved",
        "{call}",
        "Writes whose answer was lost and that a resend under the same identity brought to a known end.");

    private static readonly Histogram<double> TransactionDuration = ClientMeter.CreateHistogram<double>(
        "kvcloud.client.transaction.duration", "s", "Time of a transaction with all its attempts.");

    private static readonly Counter<long> TransactionRetries = ClientMeter.CreateCounter<long>(
        "kvcloud.client.transaction.retries", "{retry}", "Transactions run anew, by the code that stopped them.");

    private static readonly Counter<long> RefreshFailures = ClientMeter.CreateCounter<long>(
        "kvcloud.client.refresh.failures", "{failure}", "Rounds in which no node told who belongs to the cluster.");

    public static void Called(
        KvMethod method, ErrorCode outcome, long startedTimestamp, Activity? activity, string? node, int attempts)
    {
        if (CallDuration.Enabled)
        {
            CallDuration.Record(
                Stopwatch.GetElapsedTime(startedTimestamp).TotalSeconds,
                new KeyValuePair<string, object?>("operation", method.Name),
                new KeyValuePair<string, object?>("outcome", outcome.ToString()));
        }

        if (activity is not null)
        {
            activity.SetTag("db.system.name", "kvcloud");
            activity.SetTag("db.operation.name", method.Name);
            activity.SetTag("server.address", node);
            activity.SetTag("kvcloud.attempts", attempts);
            activity.SetTag("kvcloud.outcome", outcome.ToString());
        }
    }

    public static void Retried(KvMethod method, ErrorCode code) => Retries.Add(
        1,
        new KeyValuePair<string, object?>("operation", method.Name),
        new KeyValuePair<string, object?>("code", code.ToString()));

    public static void ResolvedUnknownOutcome(KvMethod method) =>
        Resolved.Add(1, new KeyValuePair<string, object?>("operation", method.Name));

    public static void Transacted(ErrorCode outcome, long startedTimestamp)
    {
        if (TransactionDuration.Enabled)
        {
            TransactionDuration.Record(
                Stopwatch.GetElapsedTime(startedTimestamp).TotalSeconds,
                new KeyValuePair<string, object?>("outcome", outcome.ToString()));
        }
    }

    public static void TransactionRetried(ErrorCode code) =>
        TransactionRetries.Add(1, new KeyValuePair<string, object?>("code", code.ToString()));

    public static void RefreshFailed(ErrorCode code) =>
        RefreshFailures.Add(1, new KeyValuePair<string, object?>("code", code.ToString()));
}

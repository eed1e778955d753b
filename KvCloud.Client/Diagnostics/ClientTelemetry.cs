using System.Diagnostics;
using System.Diagnostics.Metrics;
using KvCloud.Client.Topology;
using KvCloud.Client.Wire;
using KvCloud.Protocol;

namespace KvCloud.Client.Diagnostics;

/// <summary>
/// The meter and the activity source `KvCloud.Client`. Tags are names of calls and codes, never keys. Costs next to
/// nothing without a listener.
/// </summary>
internal static class ClientTelemetry
{
    public const string Name = "KvCloud.Client";

    public const string TransactionSpan = "transaction";

    public static readonly ActivitySource Source = new(Name);

    private static readonly Meter ClientMeter = new(Name);

    /// <summary>From 100 µs to a minute. Those of exporters begin at five seconds.</summary>
    private static readonly InstrumentAdvice<double> Seconds = new()
    {
        HistogramBucketBoundaries =
        [
            0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
        ],
    };

    private static readonly Histogram<double> CallDuration = ClientMeter.CreateHistogram(
        "kvcloud.client.call.duration", "s", "Time of a call with all its attempts.", advice: Seconds);

    private static readonly Counter<long> Retries = ClientMeter.CreateCounter<long>(
        "kvcloud.client.retries", "{retry}", "Attempts after the first, by the code of the one before.");

    private static readonly Counter<long> Resolved = ClientMeter.CreateCounter<long>(
        "kvcloud.client.unknown_outcomes.resolved",
        "{call}",
        "Writes whose answer was lost and that a resend under the same identity brought to a known end.");

    private static readonly Histogram<double> TransactionDuration = ClientMeter.CreateHistogram(
        "kvcloud.client.transaction.duration", "s", "Time of a transaction with all its attempts.", advice: Seconds);

    private static readonly Counter<long> TransactionRetries = ClientMeter.CreateCounter<long>(
        "kvcloud.client.transaction.retries", "{retry}", "Transactions run anew, by the code that stopped them.");

    private static readonly Counter<long> RefreshFailures = ClientMeter.CreateCounter<long>(
        "kvcloud.client.refresh.failures", "{failure}", "Rounds in which no node told who belongs to the cluster.");

    /// <summary>Starts the span of a call, named after the method; null if nobody listens.</summary>
    public static Activity? StartCall(KvMethod method) =>
        Source.HasListeners() && (!method.IsWatch || Activity.Current is not null)
            ? Source.StartActivity(method.Name, ActivityKind.Client)
            : null;

    public static void Called(
        KvMethod method, ErrorCode outcome, long startedTimestamp, Activity? activity, Node? node, int attempts)
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
            activity.SetTag("server.address", node?.Endpoint.Host);
            activity.SetTag("server.port", node?.Endpoint.Port);
            activity.SetTag("kvcloud.attempts", attempts);
            SetOutcome(activity, outcome);
        }
    }

    public static void Retried(KvMethod method, ErrorCode code, Activity? activity)
    {
        Retries.Add(
            1,
            new KeyValuePair<string, object?>("operation", method.Name),
            new KeyValuePair<string, object?>("code", code.ToString()));
        NoteRetry(activity, code);
    }

    public static void ResolvedUnknownOutcome(KvMethod method) =>
        Resolved.Add(1, new KeyValuePair<string, object?>("operation", method.Name));

    public static void Transacted(ErrorCode outcome, long startedTimestamp, Activity? activity)
    {
        if (activity is not null)
        {
            activity.SetTag("db.system.name", "kvcloud");
            SetOutcome(activity, outcome);
        }

        if (TransactionDuration.Enabled)
        {
            TransactionDuration.Record(
                Stopwatch.GetElapsedTime(startedTimestamp).TotalSeconds,
                new KeyValuePair<string, object?>("outcome", outcome.ToString()));
        }
    }

    public static void TransactionRetried(ErrorCode code, Activity? activity)
    {
        TransactionRetries.Add(1, new KeyValuePair<string, object?>("code", code.ToString()));
        NoteRetry(activity, code);
    }

    public static void RefreshFailed(ErrorCode code) =>
        RefreshFailures.Add(1, new KeyValuePair<string, object?>("code", code.ToString()));

    private static void SetOutcome(Activity activity, ErrorCode outcome)
    {
        string name = outcome.ToString();
        activity.SetTag("kvcloud.outcome", name);
        if (outcome != ErrorCode.OK)
        {
            activity.SetTag("error.type", name);
        }
    }

    private static void NoteRetry(Activity? activity, ErrorCode code) => activity?.AddEvent(
        new ActivityEvent("retry", tags: new ActivityTagsCollection { ["kvcloud.code"] = code.ToString() }));
}

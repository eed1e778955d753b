using System.Diagnostics;
using System.Diagnostics.Metrics;
using KvCloud.Node.Access;
using KvCloud.Node.Operations;
using KvCloud.Node.Rpc.Connections;
using KvCloud.Node.Rpc.Methods;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc;

/// <summary>
/// Counts calls for getDatabaseStats and for the meter <c>KvCloud.Rpc</c>. Thread-safe, and cheap enough to run for
/// every call.
/// </summary>
/// <remarks>
/// Counters are kept by method and code in one stripe per processor to avoid contention; instruments sum the stripes
/// when they are read. The latency histogram cannot be summed that way, so it records only one call in
/// <see cref="LatencySampling"/>.
/// </remarks>
internal sealed class RpcStatistics : IDisposable
{
    public const string MeterName = "KvCloud.Rpc";
    public const int LatencySampling = 16;

    private const int Stripes = 8;

    /// <summary>From 25 µs, a read of the block cache, to 30 s, which is longer than most callers wait.</summary>
    private static readonly double[] Seconds =
    [
        0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
        10, 30,
    ];

    private static readonly int Codes = Enum.GetValues<ErrorCode>().Max(code => (int)code) + 1;
    private static readonly string[] CodeNames =
        [.. Enumerable.Range(0, Codes).Select(code => ((ErrorCode)code).ToString())];


    private readonly Stripe[] _stripes =
    [
        .. Enumerable.Range(0, Stripes).Select(_ => new Stripe(OperationClassifier.Counted.Count * Codes)),
    ];

    private readonly Meter _meter = new(MeterName);
    private readonly Histogram<double> _latency;
    private readonly CallHistory? _history;
    private readonly LimitCounts _limited = new();
    private long _rejected;
    private long _badInput;
    private long _rateWaits;
    private long _activeTransactions;

    /// <param name="history">Remembers slow calls and keys; null where nobody wants to know.</param>
    public RpcStatistics(RpcBudget budget, CallHistory? history = null)
    {
        _history = history;
        _meter.CreateObservableCounter(
            "kvcloud.rpc.calls", ObserveCalls, "{call}", "Calls answered, by method and code.");
        _latency = _meter.CreateHistogram(
            "kvcloud.rpc.duration",
            "s",
            $"Time from a call's last byte to its answer, sampled from one call in {LatencySampling}.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = Seconds });

        // Observed, so that they are there from the start: a series that begins with its first event hides that event
        // from every query of an increase.
        _meter.CreateObservableCounter("kvcloud.rpc.rejected_connections", () => Interlocked.Read(ref _rejected),
            "{connection}", "Connections closed because max_connections was reached.");
        _meter.CreateObservableCounter(
            "kvcloud.rpc.limited", _limited.Observe, "{refusal}", "Calls and connections refused, by the limit.");
        _meter.CreateObservableCounter("kvcloud.rpc.bad_input", () => Interlocked.Read(ref _badInput),
            "{connection}", "Connections closed because of malformed or oversize input.");
        _meter.CreateObservableCounter("kvcloud.rpc.rate_waits", () => Interlocked.Read(ref _rateWaits),
            "{wait}", "Times that a connection was not read for a while because of its caller's rates or pace.");
        _meter.CreateObservableGauge("kvcloud.rpc.in_flight_calls", () => budget.Calls, "{call}", "Calls in flight.");
        _meter.CreateObservableGauge("kvcloud.rpc.in_flight_bytes", () => budget.Bytes, "By",
            "Request bytes held for calls in flight.");
    }

    public long Reads => Sum(operation => operation.Kind == OperationKind.Read, _ => true);

    public long Writes => Sum(operation => operation.Kind == OperationKind.Write, _ => true);

    public long CommittedTransactions => Sum(operation => operation.IsTransaction, code => code == ErrorCode.OK);

    public long AbortedTransactions => Sum(operation => operation.IsTransaction, code => code != ErrorCode.OK);

    /// <summary>Commits in flight.</summary>
    public long ActiveTransactions => Interlocked.Read(ref _activeTransactions);

    /// <summary>
    /// Mean time from the last byte of a call to its answer over all calls since the start; 0 if there were none.
    /// </summary>
    public double AverageResponseTimeMs
    {
        get
        {
            long calls = 0, ticks = 0;
            foreach (Stripe stripe in _stripes)
            {
                calls += Volatile.Read(ref stripe.Calls);
                ticks += Volatile.Read(ref stripe.ElapsedTicks);
            }

            return calls == 0 ? 0 : ticks * 1_000.0 / Stopwatch.Frequency / calls;
        }
    }

    /// <summary>Records an answered call.</summary>
    /// <param name="caller">Whose connection it came by; null where there is none to tell.</param>
    public void Record(IPendingCall call, ErrorCode code, Caller? caller)
    {
        RpcMethod method = call.Method;
        long elapsed = Stopwatch.GetTimestamp() - call.ReceivedTimestamp;
        Stripe stripe = _stripes[Thread.GetCurrentProcessorId() % Stripes];
        Interlocked.Increment(ref stripe.Counts[(method.Operation.Index * Codes) + (int)code]);
        Interlocked.Add(ref stripe.ElapsedTicks, elapsed);
        if (Interlocked.Increment(ref stripe.Calls) % LatencySampling == 0 && _latency.Enabled)
        {
            _latency.Record(elapsed / (double)Stopwatch.Frequency,
                new KeyValuePair<string, object?>("method", method.Name),
                new KeyValuePair<string, object?>("code", CodeNames[(int)code]));
        }

        _history?.Note(call, code, elapsed, caller);
    }

    public void BeginTransaction() => Interlocked.Increment(ref _activeTransactions);

    public void EndTransaction() => Interlocked.Decrement(ref _activeTransactions);

    /// <param name="limit">The refusal, which names the limit.</param>
    public void CountRejectedConnection(string limit)
    {
        Interlocked.Increment(ref _rejected);
        _limited.Note(limit);
    }

    /// <summary>A call was refused; counts only if a limit was full.</summary>
    public void CountRefusal(in Refusal refusal)
    {
        if (refusal.Code == ErrorCode.OVERLOADED)
        {
            _limited.Note(refusal.Message);
        }
    }

    /// <param name="writers">Those with writes that wait for a slot or for the leader's answer.</param>
    /// <param name="paced">Those that are slowed down because others wait for them.</param>
    public void ObserveCallers(Func<int> callers, Func<int> writers, Func<int> paced)
    {
        _meter.CreateObservableGauge("kvcloud.rpc.paced_callers", paced, "{caller}",
            "Callers that are slowed down because others that take less wait for them.");
        _meter.CreateObservableGauge("kvcloud.rpc.callers", callers, "{caller}",
            "Users and addresses with connections, and those that had some a moment ago.");
        _meter.CreateObservableGauge("kvcloud.rpc.waiting_callers", writers, "{caller}",
            "Callers with writes that wait for a slot or for the leader's answer, those of other replicas included.");
    }

    public void CountBadInput() => Interlocked.Increment(ref _badInput);

    public void CountRateWait() => Interlocked.Increment(ref _rateWaits);

    public void ObserveConnections(Func<int> count) =>
        _meter.CreateObservableGauge("kvcloud.rpc.connections", count, "{connection}", "Open client connections.");

    public void Dispose() => _meter.Dispose();

    /// <summary>Calls answered so far.</summary>
    public long Count(RpcMethod method, ErrorCode code) => Count(method.Operation.Index, (int)code);

    private long Count(int method, int code)
    {
        long sum = 0;
        foreach (Stripe stripe in _stripes)
        {
            sum += Volatile.Read(ref stripe.Counts[(method * Codes) + code]);
        }

        return sum;
    }

    private long Sum(Func<KvOperation, bool> operations, Func<ErrorCode, bool> codes) =>
        (from operation in OperationClassifier.Counted
         where operations(operation)
         from code in Enumerable.Range(0, Codes)
         where codes((ErrorCode)code)
         select Count(operation.Index, code)).Sum();

    private IEnumerable<Measurement<long>> ObserveCalls()
    {
        for (int method = 0; method < OperationClassifier.Counted.Count; method++)
        {
            for (int code = 0; code < Codes; code++)
            {
                if (Count(method, code) is > 0 and var count)
                {
                    yield return new Measurement<long>(count,
                        new KeyValuePair<string, object?>("method", OperationClassifier.Counted[method].Method),
                        new KeyValuePair<string, object?>("code", CodeNames[code]));
                }
            }
        }
    }

    private sealed class Stripe(int counters)
    {
        public readonly long[] Counts = new long[counters];
        public long Calls;
        public long ElapsedTicks;
    }
}

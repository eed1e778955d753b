using System.Diagnostics;
using KvCloud.Client.Calls;
using KvCloud.Client.Connections;
using KvCloud.Client.Diagnostics;
using Microsoft.Extensions.Logging;

namespace KvCloud.Client.Topology;

/// <summary>
/// One node from this client's view: its connections, its latency, and the state of its circuit breaker. Thread-safe.
/// </summary>
internal sealed class Node : IAsyncDisposable
{
    private const double NewSampleWeight = 0.1;
    private const double ForgetAfterMs = 5_000;
    private const int FirstOpenMs = 100;
    private const int LongestOpenMs = 5_000;
    private const int TimeoutsUntilOpen = 3;
    private const int DeprioritizedMs = 1_000;

    private readonly ConnectorFactory _factory;
    private readonly PoolOptions _pool;
    private readonly ILogger _logger;
    private readonly CancellationToken _clientClosing;
    private readonly Lock _lock = new();
    private readonly List<Task> _closingConnectors = [];

    // Replaced as a whole under the lock; read without it.
    private Connector[] _connectors = [];
    private Task<Connector?>? _opening;
    private bool _disposed;

    private int _failuresInARow;
    private int _timeoutsInARow;
    private long _circuitOpenUntilMs;
    private long _deprioritizedUntilMs;
    private double _latencyMs;
    private long _latencyAtTickMs;
    private string? _lastError;

    public Node(
        NodeEndpoint endpoint,
        ConnectorFactory factory,
        PoolOptions pool,
        ILogger logger,
        CancellationToken clientClosing)
    {
        Endpoint = endpoint;
        Name = endpoint.ToString();
        _factory = factory;
        _pool = pool;
        _logger = logger;
        _clientClosing = clientClosing;
    }

    public NodeEndpoint Endpoint { get; }

    /// <summary>`host:port`.</summary>
    public string Name { get; }

    /// <summary>Why the last attempt to reach the node failed; null after a success.</summary>
    public string? LastError => Volatile.Read(ref _lastError);

    /// <summary>A failed node gets no calls until a probe succeeds.</summary>
    public bool IsCircuitOpen => Volatile.Read(ref _circuitOpenUntilMs) != 0;

    public bool IsProbeDue => IsCircuitOpen && _factory.Time.TickMs() >= Volatile.Read(ref _circuitOpenUntilMs);

    public long CircuitOpenUntilMs => Volatile.Read(ref _circuitOpenUntilMs);

    /// <summary>The node has refused a call that others may answer: for a while they are preferred.</summary>
    public bool IsDeprioritized => _factory.Time.TickMs() < Volatile.Read(ref _deprioritizedUntilMs);

    public int ConnectionCount => Volatile.Read(ref _connectors).Length;

    /// <summary>Calls in flight on all connections.</summary>
    public int InFlight
    {
        get
        {
            int sum = 0;
            foreach (Connector connector in Volatile.Read(ref _connectors))
            {
                sum += connector.InFlight;
            }

            return sum;
        }
    }

    /// <summary>Estimated cost of a further call to this node: observed latency times the calls ahead of it.</summary>
    public double Score
    {
        get
        {
            double ageMs = _factory.Time.TickMs() - Volatile.Read(ref _latencyAtTickMs);

            // An old sample decays, so that a node that was slow once is tried again.
            double latency = Volatile.Read(ref _latencyMs) * Math.Exp(-ageMs / ForgetAfterMs);
            return (latency + 0.01) * (InFlight + 1);
        }
    }

    /// <summary>The open connection with the fewest calls; null if none is open yet.</summary>
    public Connector? TryGetConnector()
    {
        Connector? best = null;
        int leastCalls = int.MaxValue;
        Connector[] connectors = Volatile.Read(ref _connectors);
        foreach (Connector connector in connectors)
        {
            int calls = connector.InFlight;
            if (calls < leastCalls && !connector.IsClosed)
            {
                best = connector;
                leastCalls = calls;
            }
        }

        if (connectors.Length < _pool.MaxConnections && best is not null
            && (leastCalls >= _pool.CallsBeforeAnotherConnection || connectors.Length < _pool.MinConnections))
        {
            StartOpening();
        }

        return best;
    }

    /// <summary>
    /// Waits for a connection; null if the node cannot be reached (<see cref="LastError"/> says why).
    /// </summary>
    public async ValueTask<Connector?> OpenAsync(CancellationToken cancellationToken)
    {
        Task<Connector?>? opening = StartOpening();
        return opening is null
            ? TryGetConnector()
            : await opening.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    public void ReportAnswer(double latencyMs)
    {
        Volatile.Write(ref _failuresInARow, 0);
        Volatile.Write(ref _timeoutsInARow, 0);
        if (IsCircuitOpen && Interlocked.Exchange(ref _circuitOpenUntilMs, 0) != 0)
        {
            _logger.CircuitClosed(Name);
        }

        // Two threads may overwrite each other's sample, which is acceptable for an estimate.
        double known = Volatile.Read(ref _latencyMs);
        Volatile.Write(ref _latencyMs, known == 0 ? latencyMs : known + (NewSampleWeight * (latencyMs - known)));
        Volatile.Write(ref _latencyAtTickMs, _factory.Time.TickMs());
    }

    /// <summary>
    /// No answer arrived in time. One slow call does not open the circuit breaker; several in a row do.
    /// </summary>
    public void ReportTimeout(double waitedMs)
    {
        double known = Volatile.Read(ref _latencyMs);
        Volatile.Write(ref _latencyMs, Math.Max(known, waitedMs));
        Volatile.Write(ref _latencyAtTickMs, _factory.Time.TickMs());
        if (Interlocked.Increment(ref _timeoutsInARow) >= TimeoutsUntilOpen)
        {
            OpenCircuit("it does not answer");
        }
    }

    /// <summary>
    /// The node has refused a call that others may answer. It does so quickly, and would by its latency be preferred.
    /// </summary>
    public void Deprioritize() => Volatile.Write(ref _deprioritizedUntilMs, _factory.Time.TickMs() + DeprioritizedMs);

    public void ReportConnectFailure(string reason) => OpenCircuit(reason);

    /// <summary>Completes overdue calls and drops connections that have ended.</summary>
    public void Sweep(long nowTickMs)
    {
        Connector[] connectors = Volatile.Read(ref _connectors);
        bool anyClosed = false;
        foreach (Connector connector in connectors)
        {
            connector.Sweep(nowTickMs);
            anyClosed |= connector.IsClosed;
        }

        if (anyClosed)
        {
            DropClosed();
        }
    }

    /// <summary>Connections idle for so long that a middlebox may have dropped them.</summary>
    public IEnumerable<Connector> SilentSince(long tickMs) =>
        Volatile.Read(ref _connectors).Where(connector => connector.LastReceivedTickMs < tickMs && !connector.IsClosed);

    public async ValueTask DisposeAsync()
    {
        Task<Connector?>? opening;
        lock (_lock)
        {
            _disposed = true;
            opening = _opening;
        }

        if (opening is not null)
        {
            await opening.ConfigureAwait(false);
        }

        foreach (Connector connector in Volatile.Read(ref _connectors))
        {
            await connector.DisposeAsync().ConfigureAwait(false);
        }

        Task[] closing;
        lock (_lock)
        {
            closing = [.. _closingConnectors];
        }

        await Task.WhenAll(closing).ConfigureAwait(false);
    }

    public override string ToString() => Name;

    private void OpenCircuit(string reason)
    {
        Volatile.Write(ref _lastError, reason);
        int failures = Interlocked.Increment(ref _failuresInARow);
        int pauseMs = Math.Min(LongestOpenMs, FirstOpenMs << Math.Min(failures - 1, 10));
        pauseMs += Random.Shared.Next((pauseMs / 4) + 1);
        long before = Interlocked.Exchange(ref _circuitOpenUntilMs, _factory.Time.TickMs() + pauseMs);
        if (before == 0 && !_clientClosing.IsCancellationRequested)
        {
            _logger.CircuitOpened(Name, reason);
        }
    }

    /// <summary>Opens one connection at a time; all callers that wait share it.</summary>
    private Task<Connector?>? StartOpening()
    {
        lock (_lock)
        {
            if (_disposed)
            {
                return null;
            }

            if (_opening is { } running)
            {
                return running;
            }

            if (_connectors.Length - _connectors.Count(connector => connector.IsClosed) >= _pool.MaxConnections)
            {
                return null;
            }

            return _opening = Task.Run(OpenOneAsync, CancellationToken.None);
        }
    }

    private async Task<Connector?> OpenOneAsync()
    {
        Connector? connector = null;
        try
        {
            connector = await _factory.OpenAsync(Endpoint.Host, Endpoint.Port, _clientClosing).ConfigureAwait(false);
            Volatile.Write(ref _lastError, null);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException or ArgumentException)
        {
            ReportConnectFailure($"cannot connect: {exception.Message}");
        }

        lock (_lock)
        {
            _opening = null;
            if (connector is not null)
            {
                Volatile.Write(ref _connectors, [.. _connectors, connector]);
            }
        }

        return connector;
    }

    private void DropClosed()
    {
        lock (_lock)
        {
            if (_disposed)
            {
                return;
            }

            foreach (Connector connector in _connectors.Where(connector => connector.IsClosed))
            {
                _closingConnectors.Add(connector.DisposeAsync().AsTask());
            }

            Volatile.Write(ref _connectors, [.. _connectors.Where(connector => !connector.IsClosed)]);
            _closingConnectors.RemoveAll(task => task.IsCompletedSuccessfully);
        }
    }
}

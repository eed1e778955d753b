using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using KvCloud.Node.Tls;

namespace KvCloud.Tests.Node.Tls;

/// <summary>The meters of one node of a test, and the handshakes that they counted.</summary>
internal sealed class TestMeters : IMeterFactory
{
    private readonly List<Meter> _meters = [];
    private readonly ConcurrentQueue<(string Port, string Result, string Version)> _handshakes = new();
    private readonly MeterListener _listener = new();

    public TestMeters()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Name == TlsMetrics.Handshakes && _meters.Contains(instrument.Meter))
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((_, _, tags, _) =>
            _handshakes.Enqueue(((string)tags[0].Value!, (string)tags[1].Value!, (string)tags[2].Value!)));
        _listener.Start();
    }

    /// <summary>All that were counted.</summary>
    public IReadOnlyCollection<(string Port, string Result, string Version)> All => _handshakes;

    public static TlsMetrics NewMetrics() => new(new TestMeters());

    public int Handshakes(string result) => _handshakes.Count(handshake => handshake.Result == result);

    public Meter Create(MeterOptions options)
    {
        var meter = new Meter(options);
        _meters.Add(meter);
        return meter;
    }

    public void Dispose()
    {
        _listener.Dispose();
        _meters.ForEach(meter => meter.Dispose());
    }
}

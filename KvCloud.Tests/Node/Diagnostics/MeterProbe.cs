using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;

namespace KvCloud.Tests.Node.Diagnostics;

/// <summary>
/// Listens to the instruments of one meter factory, so that tests side by side do not hear each other.
/// </summary>
internal sealed class MeterProbe : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentQueue<(string Name, string Text)> _values = new();
    private readonly ConcurrentDictionary<string, Instrument> _instruments = new();

    public MeterProbe(IMeterFactory factory)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (ReferenceEquals(instrument.Meter.Scope, factory))
            {
                _instruments[instrument.Name] = instrument;
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Keep(instrument, value, tags));
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Keep(instrument, value, tags));
        _listener.Start();
    }

    /// <summary>All instruments of the factory, by name.</summary>
    public IReadOnlyDictionary<string, Instrument> Instruments => _instruments;

    /// <summary>What was measured, as <c>name{tag=value} number</c>; observable instruments are asked now.</summary>
    public IReadOnlyList<string> Values(string name)
    {
        _listener.RecordObservableInstruments();
        return [.. _values.Where(value => value.Name == name).Select(value => value.Text)];
    }

    public void Dispose() => _listener.Dispose();

    private void Keep(Instrument instrument, long value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        string text = string.Join(',', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}"));
        string suffix = text.Length == 0 ? "" : $"{{{text}}}";
        _values.Enqueue(
            (instrument.Name, string.Create(CultureInfo.InvariantCulture, $"{instrument.Name}{suffix} {value}")));
    }
}

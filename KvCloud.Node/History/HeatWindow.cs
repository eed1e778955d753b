namespace KvCloud.Node.History;

/// <summary>A sample of the keys that calls named within some seconds.</summary>
/// <param name="start">When it began.</param>
internal sealed class HeatWindow(DateTimeOffset start)
{
    /// <summary>More than these replace earlier ones at random, so that those kept stay a fair sample.</summary>
    public const int MaxSamples = 512;

    private readonly List<HeatSample> _samples = [];
    private long _seen;

    public DateTimeOffset Start => start;

    /// <summary>How many were offered for each that is kept.</summary>
    public double Weight => _samples.Count == 0 ? 0 : (double)_seen / _samples.Count;

    public IReadOnlyList<HeatSample> Samples => _samples;

    /// <summary>Reservoir sampling (Vitter's algorithm R).</summary>
    public void Add(HeatSample sample, Random random)
    {
        _seen++;
        if (_samples.Count < MaxSamples)
        {
            _samples.Add(sample);
        }
        else if (random.NextInt64(_seen) is < MaxSamples and var place)
        {
            _samples[(int)place] = sample;
        }
    }

    public HeatWindow Copy()
    {
        var copy = new HeatWindow(start) { _seen = _seen };
        copy._samples.AddRange(_samples);
        return copy;
    }
}

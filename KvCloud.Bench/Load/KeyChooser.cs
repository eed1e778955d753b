namespace KvCloud.Bench.Load;

internal enum KeyDistribution
{
    /// <summary>In ascending order, repeatedly.</summary>
    Sequential,

    /// <summary>All keys with equal probability.</summary>
    Uniform,

    /// <summary>A few keys take most of the load; these are scattered over the key space.</summary>
    Zipf,

    /// <summary>The newest keys are the most popular (YCSB's D).</summary>
    Latest,
}

/// <summary>Chooses the key of the next operation. Thread-safe; each caller passes its own random numbers.</summary>
internal abstract class KeyChooser
{
    public abstract long Next(SeededRandom random);

    public static KeyChooser Create(KeyDistribution distribution, KeySpace keys, double theta) => distribution switch
    {
        KeyDistribution.Sequential => new SequentialKeys(keys),
        KeyDistribution.Uniform => new UniformKeys(keys),
        KeyDistribution.Zipf => new ScatteredZipfKeys(keys, new ZipfSampler(keys.Count, theta)),
        KeyDistribution.Latest => new LatestKeys(keys, new ZipfSampler(keys.Count, theta)),
        _ => throw new ArgumentOutOfRangeException(nameof(distribution), distribution, null),
    };

    private sealed class SequentialKeys(KeySpace keys) : KeyChooser
    {
        public override long Next(SeededRandom random) => keys.TakeSequential();
    }

    private sealed class UniformKeys(KeySpace keys) : KeyChooser
    {
        public override long Next(SeededRandom random) => random.NextBelow(keys.Count);
    }

    private sealed class ScatteredZipfKeys(KeySpace keys, ZipfSampler zipf) : KeyChooser
    {
        public override long Next(SeededRandom random)
        {
            ulong rank = (ulong)zipf.Next(random);
            return (long)(SeededRandom.Mix(ref rank) % (ulong)keys.Count);
        }
    }

    private sealed class LatestKeys(KeySpace keys, ZipfSampler zipf) : KeyChooser
    {
        public override long Next(SeededRandom random) => Math.Max(0, keys.Count - 1 - zipf.Next(random));
    }
}

namespace KvCloud.Consensus;

/// <summary>SplitMix64 (Steele, Lea, Flood 2014): small, seeded, and the same on every machine.</summary>
public sealed class DeterministicRandom(ulong seed)
{
    private ulong _state = seed;

    /// <summary>The generator's state: equal states produce equal sequences.</summary>
    public ulong State => _state;

    public ulong NextUInt64()
    {
        _state += 0x9E3779B97F4A7C15;
        ulong mixed = _state;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return mixed ^ (mixed >> 31);
    }

    /// <summary>A number in [0, <paramref name="exclusiveMax"/>).</summary>
    public int Next(int exclusiveMax)
    {
        Invariant.Check(exclusiveMax > 0, "a random range is empty");
        return (int)(NextUInt64() % (ulong)exclusiveMax);
    }

    /// <summary>A number in [<paramref name="min"/>, <paramref name="exclusiveMax"/>).</summary>
    public int Next(int min, int exclusiveMax) => min + Next(exclusiveMax - min);

    /// <summary>True once in <paramref name="perMille"/> of a thousand draws.</summary>
    public bool Chance(int perMille) => Next(1000) < perMille;
}

namespace KvCloud.Node.Access;

/// <summary>
/// Keys that begin with any of some prefixes. None of the kept prefixes begins with another, so that the greatest one
/// that is not above a key is the only one that the key can begin with.
/// </summary>
internal sealed class PrefixSet
{
    public static readonly PrefixSet Nothing = new([]);

    private readonly byte[][] _prefixes;

    private PrefixSet(byte[][] prefixes)
    {
        _prefixes = prefixes;
        IsEverything = prefixes.Length > 0 && prefixes[0].Length == 0;
    }

    public bool IsEverything { get; }

    public bool IsEmpty => _prefixes.Length == 0;

    public static PrefixSet Of(IEnumerable<ReadOnlyMemory<byte>> prefixes)
    {
        byte[][] sorted = [.. prefixes.Select(prefix => prefix.ToArray())];
        Array.Sort(sorted, static (left, right) => left.AsSpan().SequenceCompareTo(right));
        var kept = new List<byte[]>();
        foreach (byte[] prefix in sorted)
        {
            if (kept.Count == 0 || !prefix.AsSpan().StartsWith(kept[^1]))
            {
                kept.Add(prefix);
            }
        }

        return kept.Count == 0 ? Nothing : new PrefixSet([.. kept]);
    }

    /// <summary>Whether the set has the key; no allocation.</summary>
    public bool Has(ReadOnlySpan<byte> key) => IsEverything || Find(key) >= 0;

    /// <summary>Whether one prefix covers the whole range.</summary>
    /// <param name="end">Meaningless where <paramref name="hasEnd"/> is false: the end of the column family.</param>
    public bool HasRange(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end, bool hasEnd, bool isEndInclusive)
    {
        if (IsEverything)
        {
            return true;
        }

        int place = hasEnd ? Find(begin) : -1;
        return place >= 0 && EndsWithin(_prefixes[place], end, isEndInclusive);
    }

    private int Find(ReadOnlySpan<byte> key)
    {
        int low = 0;
        int high = _prefixes.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            if (key.SequenceCompareTo(_prefixes[middle]) >= 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle - 1;
            }
        }

        return high >= 0 && key.StartsWith(_prefixes[high]) ? high : -1;
    }

    /// <summary>Whether nothing between the prefix and the end lies behind the keys of the prefix.</summary>
    private static bool EndsWithin(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> end, bool isEndInclusive)
    {
        if (end.StartsWith(prefix) || end.SequenceCompareTo(prefix) < 0)
        {
            return true;
        }

        // The end is behind the prefix. It is the first key behind it where it is the prefix with the last byte that
        // is not FF raised by one, and nothing else follows.
        int last = prefix.Length - 1;
        while (last >= 0 && prefix[last] == byte.MaxValue)
        {
            last--;
        }

        return last >= 0
            && !isEndInclusive
            && end.Length == last + 1
            && end[..last].SequenceEqual(prefix[..last])
            && end[last] == prefix[last] + 1;
    }
}

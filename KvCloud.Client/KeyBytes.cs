namespace KvCloud.Client;

/// <summary>The order of keys, and the successors of keys and prefixes.</summary>
internal static class KeyBytes
{
    /// <summary>The first key after all keys that start with the prefix; null if there is none.</summary>
    public static byte[]? EndOfPrefix(ReadOnlySpan<byte> prefix)
    {
        int last = prefix.Length - 1;
        while (last >= 0 && prefix[last] == 0xff)
        {
            last--;
        }

        if (last < 0)
        {
            return null;
        }

        byte[] end = prefix[..(last + 1)].ToArray();
        end[last]++;
        return end;
    }

    /// <summary>The key immediately after this one: no key lies in between.</summary>
    public static byte[] After(ReadOnlySpan<byte> key)
    {
        byte[] after = new byte[key.Length + 1];
        key.CopyTo(after);
        return after;
    }

    public static int Compare(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) => left.SequenceCompareTo(right);

    /// <summary>Whether the key is below the end of a range. A null or empty end lies after every key.</summary>
    public static bool IsBelow(ReadOnlySpan<byte> key, ReadOnlyMemory<byte>? end) =>
        end is not { IsEmpty: false } bound || Compare(key, bound.Span) < 0;
}

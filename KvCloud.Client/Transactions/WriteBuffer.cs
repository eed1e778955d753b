using KvCloud.Protocol;

namespace KvCloud.Client.Transactions;

/// <summary>
/// The buffered writes of a transaction to one column family, by key. A later write to a key replaces an earlier one.
/// </summary>
internal sealed class WriteBuffer
{
    private const int StampSizeBytes = 10;

    private readonly List<BufferedWrite> _byKey = [];
    private readonly List<byte[]> _stampedKeys = [];

    public void Add(BufferedWrite write)
    {
        if (write.Kind == WriteKind.VersionstampedKey)
        {
            _stampedKeys.Add(write.Key);
            return;
        }

        int at = Find(write.Key);
        if (at >= 0)
        {
            _byKey[at].IsSuperseded = true;
            _byKey[at] = write;
        }
        else
        {
            _byKey.Insert(~at, write);
        }
    }

    /// <summary>The transaction's own write to the key; null where it has none.</summary>
    /// <exception cref="KvCloudException">The key or its value is known only at the commit (versionstamp).</exception>
    public BufferedWrite? Get(ReadOnlySpan<byte> key)
    {
        foreach (byte[] stamped in _stampedKeys)
        {
            if (stamped.Length == key.Length && key.StartsWith(FixedPart(stamped)))
            {
                throw Unreadable();
            }
        }

        int at = Find(key);
        return at < 0 ? null : Readable(_byKey[at]);
    }

    /// <summary>The transaction's own writes in a range, in key order.</summary>
    /// <exception cref="KvCloudException">A key or value in the range is known only at the commit
    /// (versionstamp).</exception>
    public List<BufferedWrite> Range(ReadOnlySpan<byte> begin, ReadOnlyMemory<byte>? end)
    {
        foreach (byte[] stamped in _stampedKeys)
        {
            byte[] least = [.. FixedPart(stamped), .. new byte[StampSizeBytes]];
            byte[] most = [.. FixedPart(stamped), .. Enumerable.Repeat((byte)0xff, StampSizeBytes)];
            if (KeyBytes.Compare(most, begin) >= 0 && KeyBytes.IsBelow(least, end))
            {
                throw Unreadable();
            }
        }

        var found = new List<BufferedWrite>();
        int at = Find(begin);
        for (at = at < 0 ? ~at : at; at < _byKey.Count && KeyBytes.IsBelow(_byKey[at].Key, end); at++)
        {
            found.Add(Readable(_byKey[at]));
        }

        return found;
    }

    private static ReadOnlySpan<byte> FixedPart(byte[] stamped) => stamped.AsSpan(0, stamped.Length - StampSizeBytes);

    private static BufferedWrite Readable(BufferedWrite write) =>
        write.Kind == WriteKind.VersionstampedValue ? throw Unreadable() : write;

    private static KvCloudException Unreadable() => new(
        ErrorCode.INVALID_OPERATION,
        "the transaction reads what its own versionstamped write determines only at the commit");

    private int Find(ReadOnlySpan<byte> key)
    {
        int low = 0;
        int high = _byKey.Count - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            int order = KeyBytes.Compare(_byKey[middle].Key, key);
            if (order == 0)
            {
                return middle;
            }

            if (order < 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle - 1;
            }
        }

        return ~low;
    }
}

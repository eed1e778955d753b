using KvCloud.Node.Storage;
using KvCloud.Protocol;

namespace KvCloud.Node.State;

/// <summary>Reads one range at one version, by the contract's rules for bounds, offsets and limits.</summary>
internal static class RangeReader
{
    /// <summary>Null when there is nothing to object to.</summary>
    public static string? Validate(in RangeQuery query)
    {
        if (query.Limit < 0)
        {
            return $"limit must not be negative, but is {query.Limit}";
        }

        if (query.LimitBytes < 0)
        {
            return $"limit_bytes must not be negative, but is {query.LimitBytes}";
        }

        if (query.BeginOffset is < 0 or > KvLimits.RangeMaxOffset)
        {
            return $"begin_offset must be 0 to {KvLimits.RangeMaxOffset}, not {query.BeginOffset}";
        }

        return query.EndOffset is < -KvLimits.RangeMaxOffset or > KvLimits.RangeMaxOffset
            ? $"end_offset must be within {KvLimits.RangeMaxOffset} either way, not {query.EndOffset}"
            : null;
    }

    public static RangeResult Read(IKvStore store, uint keyspace, in RangeQuery query, CommitVersion at)
    {
        byte[] begin = query.BeginOrEqual
            ? KeyBounds.At(keyspace, query.Begin.Span)
            : KeyBounds.After(keyspace, query.Begin.Span);
        using var keys = new VisibleKeys(store, keyspace, at);
        byte[]? end = FindEnd(keys, keyspace, query);
        var rows = new List<RangeRow>();
        bool hasMore = end is not null && ReadRows(keys, begin, end, query, rows);
        return new RangeResult(ErrorCode.OK, rows, hasMore, at);
    }

    /// <summary>The exclusive end, moved by end_offset; null where that leaves nothing.</summary>
    private static byte[]? FindEnd(VisibleKeys keys, uint keyspace, in RangeQuery query)
    {
        byte[] end = query.End is not ReadOnlyMemory<byte> last ? KeyBounds.EndOf(keyspace)
            : query.EndOrEqual ? KeyBounds.After(keyspace, last.Span)
            : KeyBounds.At(keyspace, last.Span);
        if (query.EndOffset > 0)
        {
            keys.Seek(end);
            for (int i = 1; i < query.EndOffset && keys.IsValid; i++)
            {
                keys.MoveNext();
            }

            return keys.IsValid ? KeyBounds.After(keyspace, keys.Key) : KeyBounds.EndOf(keyspace);
        }

        if (query.EndOffset < 0)
        {
            keys.SeekBefore(end);
            for (int i = -1; i > query.EndOffset && keys.IsValid; i--)
            {
                keys.MovePrevious();
            }

            return keys.IsValid ? KeyBounds.At(keyspace, keys.Key) : null;
        }

        return end;
    }

    /// <summary>Returns whether a further row matched.</summary>
    private static bool ReadRows(
        VisibleKeys keys, byte[] begin, byte[] end, in RangeQuery query, List<RangeRow> rows)
    {
        int limitBytes = query.LimitBytes == 0 ? KvLimits.RangeDefaultSizeBytes
            : Math.Min(query.LimitBytes, KvLimits.RangeMaxSizeBytes);
        long sizeBytes = 0;
        int skip = query.BeginOffset;
        for (keys.Seek(begin); keys.IsValid && keys.PhysicalKey.SequenceCompareTo(end) < 0; keys.MoveNext())
        {
            if (skip > 0)
            {
                skip--;
                continue;
            }

            VersionedValue value = keys.Value;
            sizeBytes += keys.Key.Length + value.Value.Length + KvLimits.RangeRowOverheadBytes;
            bool isFull = (query.Limit > 0 && rows.Count == query.Limit) || (sizeBytes > limitBytes && rows.Count > 0);
            if (isFull)
            {
                return true;
            }

            rows.Add(new RangeRow(keys.Key.ToArray(), value.Value.ToArray(), value.Version));
        }

        return false;
    }
}

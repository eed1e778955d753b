using KvCloud.Node.Operations;
using KvCloud.Node.State;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>What the two range reads share.</summary>
internal static class Ranges
{
    /// <summary>Where an absent end_key ends, by the contract.</summary>
    private static readonly byte[] DefaultEnd = [0xff];

    public static ReadOnlyMemory<byte>? End(byte[]? endKey, bool toEndOfKeyspace) =>
        endKey is not null ? new ReadOnlyMemory<byte>(endKey)

        // The cast matters: a bare null would become an empty memory by way of byte[].
        : toEndOfKeyspace ? (ReadOnlyMemory<byte>?)null
        : DefaultEnd;

    /// <summary>
    /// How much one answer may hold. Who sets limit_bytes knows of has_more; old clients do not set it, and some take
    /// the first answer for the whole: they get all rows that a message has room for.
    /// </summary>
    public static int LimitBytes(int? requested, RpcLimits limits) => requested switch
    {
        null => Math.Max(1, Math.Min(KvLimits.RangeMessageSizeBytes, limits.MaxMessageBytes)),

        // For the store to refuse it by name.
        < 0 => requested.Value,
        0 => Math.Min(KvLimits.RangeDefaultSizeBytes, limits.MaxRangeBytes),
        _ => Math.Min(requested.Value, limits.MaxRangeBytes),
    };

    public static List<KeyValue> Rows(RangeResult result)
    {
        var rows = new List<KeyValue>(result.Rows.Count);
        foreach (RangeRow row in result.Rows)
        {
            rows.Add(new KeyValue(row.Key, row.Value) { Version = row.Version.Value });
        }

        return rows;
    }
}

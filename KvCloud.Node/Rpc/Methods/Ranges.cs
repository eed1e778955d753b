using KvCloud.Node.Operations;
using KvCloud.Node.State;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>Shared by getRange and snapshotGetRange.</summary>
internal static class Ranges
{
    /// <summary>The end of a range without an end_key, as the contract defines it.</summary>
    private static readonly byte[] DefaultEnd = [0xff];

    public static ReadOnlyMemory<byte>? End(byte[]? endKey, bool toEndOfKeyspace) =>
        endKey is not null ? new ReadOnlyMemory<byte>(endKey)

        // The cast is needed: a bare null would be converted to an empty memory by way of byte[].
        : toEndOfKeyspace ? (ReadOnlyMemory<byte>?)null
        : DefaultEnd;

    /// <summary>
    /// The size limit of one answer. A client that sets limit_bytes checks has_more. Old clients do not set it, and
    /// some take the first answer for the complete result, so they get as many rows as fit into one message.
    /// </summary>
    public static int LimitBytes(int? requested, RpcLimits limits) => requested switch
    {
        null => Math.Max(1, Math.Min(KvLimits.RangeMessageSizeBytes, limits.MaxMessageBytes)),

        // Passed on, so that the store rejects it with the right error.
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

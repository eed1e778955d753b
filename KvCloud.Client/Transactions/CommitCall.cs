using KvCloud.Client.Calls;
using KvCloud.Client.Wire;
using KvCloud.Protocol.Wire;

namespace KvCloud.Client.Transactions;

/// <summary>A key or range that a transaction has read. A null end is the end of the keyspace.</summary>
internal readonly record struct ReadKey(string? ColumnFamily, byte[] Key);

internal readonly record struct ReadRange(string? ColumnFamily, byte[] Begin, byte[]? End);

/// <summary>
/// The commit of a transaction. Its lists do not change once it is sent, so every attempt is identical.
/// </summary>
internal readonly struct CommitCall(
    long readVersion, List<BufferedWrite> writes, List<ReadKey> keys, List<ReadRange> ranges)
    : IRequest
{
    public static KvMethod Method => KvMethod.Commit;

    public void Write(FrameWriter writer, in AttemptFields attempt)
    {
        writer.I64(1, readVersion);
        WriteOperations(writer);
        WriteConflicts(writer);
        writer.I64(4, Math.Max(1, (attempt.TimeoutMs + 999) / 1000));
        attempt.WriteTo(writer);
    }

    private void WriteOperations(FrameWriter writer)
    {
        writer.BeginList(2, ThriftType.Struct, writes.Count);
        foreach (BufferedWrite write in writes)
        {
            writer.Text(1, write.WireType);
            writer.Binary(2, write.Key);
            if (write.Kind != WriteKind.Delete)
            {
                writer.Binary(3, write.Value);
            }

            writer.OptionalText(4, write.ColumnFamily);
            writer.EndStruct();
        }
    }

    private void WriteConflicts(FrameWriter writer)
    {
        int defaults = 0;
        foreach (ReadKey key in keys)
        {
            defaults += key.ColumnFamily is null ? 1 : 0;
        }

        writer.BeginList(3, ThriftType.String, defaults);
        foreach (ReadKey key in keys)
        {
            if (key.ColumnFamily is null)
            {
                writer.BinaryElement(key.Key);
            }
        }

        if (ranges.Count > 0)
        {
            WriteRanges(writer);
        }

        if (keys.Count > defaults)
        {
            WriteNamedKeys(writer, keys.Count - defaults);
        }
    }

    private void WriteRanges(FrameWriter writer)
    {
        writer.BeginList(104, ThriftType.Struct, ranges.Count);
        foreach (ReadRange range in ranges)
        {
            writer.Binary(1, range.Begin);
            if (range.End is { } end)
            {
                writer.Binary(2, end);
            }

            writer.OptionalText(3, range.ColumnFamily);
            writer.EndStruct();
        }
    }

    private void WriteNamedKeys(FrameWriter writer, int count)
    {
        writer.BeginList(105, ThriftType.Struct, count);
        foreach (ReadKey key in keys)
        {
            if (key.ColumnFamily is not null)
            {
                writer.Binary(1, key.Key);
                writer.OptionalText(2, key.ColumnFamily);
                writer.EndStruct();
            }
        }
    }
}

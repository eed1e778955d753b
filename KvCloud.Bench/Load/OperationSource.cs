namespace KvCloud.Bench.Load;

/// <summary>One operation in progress.</summary>
internal struct Operation
{
    public OperationKind Kind;

    /// <summary>The key, or the first of a range or transaction.</summary>
    public long Key;

    /// <summary>1 once the read of a read-modify-write is done.</summary>
    public int Step;

    /// <summary>Start of the latency, in Stopwatch ticks.</summary>
    public long IntendedTicks;
}

/// <summary>Generates operations, keys and values. One instance per thread.</summary>
/// <param name="options">Options of the run.</param>
/// <param name="material">Shared by all sources of the run.</param>
/// <param name="index">Distinguishes the sources of a run: each has its own random numbers.</param>
internal sealed class OperationSource(LoadOptions options, LoadData material, int index)
{
    private readonly SeededRandom _random = new(options.Seed + ((ulong)(index + 1) * 7919));
    private readonly byte[] _keys = new byte[options.KeySizeBytes * options.CommitSize];
    private readonly byte[] _endKey = new byte[options.KeySizeBytes];

    public Operation Next(long intendedTicks)
    {
        OperationKind kind = options.Mix.Next(_random);
        long key = kind == OperationKind.Insert ? material.Keys.TakeNew() : material.Chooser.Next(_random);
        return new Operation { Kind = kind, Key = key, IntendedTicks = intendedTicks };
    }

    public ReadOnlyMemory<byte> Value() => material.Value(_random, options.ValueSizeBytes);

    /// <summary>
    /// The exclusive end of a range that covers as many keys as rows are wanted. For a range to the end of the keyspace
    /// etcd would count all keys, whatever the limit.
    /// </summary>
    public ReadOnlySpan<byte> EndKey(in Operation operation)
    {
        material.Keys.Write(operation.Key + options.RangeLimit, _endKey);
        return _endKey;
    }

    /// <summary>The keys of <paramref name="operation"/>, concatenated; valid until the next call.</summary>
    public ReadOnlySpan<byte> Keys(in Operation operation)
    {
        int size = options.KeySizeBytes;
        int count = operation.Kind == OperationKind.Commit ? options.CommitSize : 1;
        material.Keys.Write(operation.Key, _keys.AsSpan(0, size));
        for (int i = 1; i < count; i++)
        {
            // Consecutive keys, so that one transaction never has a key twice (etcd rejects that).
            long key = (operation.Key + i) % Math.Max(material.Keys.Count, count);
            material.Keys.Write(key, _keys.AsSpan(i * size, size));
        }

        return _keys.AsSpan(0, count * size);
    }
}

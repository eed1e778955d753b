namespace KvCloud.Node.Storage;

/// <summary>Something that can be read: the store as it is now, or a snapshot of it.</summary>
internal interface IKvView
{
    /// <summary>One point lookup. On false the buffer is unchanged.</summary>
    bool TryGet(KvTable table, ReadOnlySpan<byte> key, ref ValueBuffer value);

    /// <summary>A cursor over one moment of the table, standing nowhere yet.</summary>
    IKvIterator Iterate(KvTable table);
}

/// <summary>
/// An ordered store of a few tables with atomic batches. One thread writes; any thread reads at any time, without locks.
/// Batches survive a crash only once <see cref="Flush"/> returned: there is no log of its own, the consensus log
/// is that. After a crash the store holds exactly the batches up to some moment, never a part of one.
/// </summary>
internal interface IKvStore : IKvView, IDisposable
{
    IKvSnapshot CreateSnapshot();

    IKvBatch CreateBatch();

    /// <summary>Applies the whole batch or throws <see cref="StoreFailedException"/>; the batch is left as it is.</summary>
    void Write(IKvBatch batch);

    /// <summary>Makes durable what was written before the call. May run beside writes and reads.</summary>
    void Flush();

    /// <summary>
    /// Gives back the space of keys from <paramref name="begin"/> to before <paramref name="end"/>, which nobody will read again:
    /// for good, whatever a crash undoes, and under snapshots too. Takes what costs nothing, so some of them may stay for
    /// now. May run beside writes and reads.
    /// </summary>
    void DropRange(KvTable table, ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end);

    StoreFigures GetFigures();
}

/// <summary>All tables at one moment.</summary>
internal interface IKvSnapshot : IKvView, IDisposable;

/// <summary>Changes that take effect together, in the order in which they were added. Copies what it is given.</summary>
internal interface IKvBatch : IDisposable
{
    int Count { get; }

    void Put(KvTable table, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value);

    void Delete(KvTable table, ReadOnlySpan<byte> key);

    /// <summary>Deletes a key that was put exactly once since it last did not exist: cheaper than Delete.</summary>
    void DeleteSingle(KvTable table, ReadOnlySpan<byte> key);

    /// <summary>Deletes from <paramref name="begin"/> (inclusive) to <paramref name="end"/> (exclusive).</summary>
    void DeleteRange(KvTable table, ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end);

    void Clear();
}

/// <summary>A cursor. Key and value are valid until it moves. Not thread-safe.</summary>
internal interface IKvIterator : IDisposable
{
    bool IsValid { get; }

    ReadOnlySpan<byte> Key { get; }

    ReadOnlySpan<byte> Value { get; }

    /// <summary>Moves to the first key at or after <paramref name="key"/>.</summary>
    bool Seek(ReadOnlySpan<byte> key);

    /// <summary>Moves to the last key strictly before <paramref name="key"/>.</summary>
    bool SeekBefore(ReadOnlySpan<byte> key);

    bool MoveNext();

    bool MovePrevious();
}

/// <summary>The store did not take a write or could not be read: what it holds now is unknown, the node must stop.</summary>
internal sealed class StoreFailedException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>What the store holds is not what this program wrote, or a newer program wrote it.</summary>
internal sealed class StoreCorruptException(string message) : Exception(message);

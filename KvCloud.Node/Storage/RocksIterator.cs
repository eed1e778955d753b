namespace KvCloud.Node.Storage;

/// <summary>A RocksDB cursor over one table.</summary>
/// <param name="iterator">RocksDB's iterator.</param>
/// <param name="version">The version to read at, owned by this cursor; null for the newest, or for a table without
/// versions.</param>
internal sealed unsafe class RocksIterator(IntPtr iterator, RocksReadVersion? version) : IKvIterator
{
    public bool IsValid { get; private set; }

    public ReadOnlySpan<byte> Key
    {
        get
        {
            IntPtr key = RocksApi.Native.rocksdb_iter_key(iterator, out UIntPtr length);
            return new ReadOnlySpan<byte>((void*)key, checked((int)length));
        }
    }

    public ReadOnlySpan<byte> Value
    {
        get
        {
            IntPtr value = RocksApi.Native.rocksdb_iter_value(iterator, out UIntPtr length);
            return new ReadOnlySpan<byte>((void*)value, checked((int)length));
        }
    }

    public bool Seek(ReadOnlySpan<byte> key)
    {
        fixed (byte* pointer = key)
        {
            RocksApi.Native.rocksdb_iter_seek(iterator, pointer, (UIntPtr)key.Length);
        }

        return CheckValid();
    }

    public bool SeekBefore(ReadOnlySpan<byte> key)
    {
        fixed (byte* pointer = key)
        {
            RocksApi.Native.rocksdb_iter_seek_for_prev(iterator, pointer, (UIntPtr)key.Length);
        }

        return CheckValid() && Key.SequenceEqual(key) ? MovePrevious() : IsValid;
    }

    public bool MoveNext()
    {
        RocksApi.Native.rocksdb_iter_next(iterator);
        return CheckValid();
    }

    public bool MovePrevious()
    {
        RocksApi.Native.rocksdb_iter_prev(iterator);
        return CheckValid();
    }

    public void Dispose()
    {
        RocksApi.Native.rocksdb_iter_destroy(iterator);
        version?.Dispose();
    }

    /// <summary>Throws if the iterator could not be created.</summary>
    public void CheckError()
    {
        RocksApi.Native.rocksdb_iter_get_error(iterator, out IntPtr error);
        RocksApi.ThrowOnRead(error, "reading a range");
    }

    /// <summary>
    /// An iterator ends in the same way at the end of the data and at a block it cannot read; only its status tells
    /// them apart.
    /// </summary>
    private bool CheckValid()
    {
        IsValid = RocksApi.Native.rocksdb_iter_valid(iterator) != 0;
        if (!IsValid)
        {
            CheckError();
        }

        return IsValid;
    }
}

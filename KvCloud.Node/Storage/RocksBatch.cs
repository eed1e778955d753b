using KvCloud.Node.Operations;

namespace KvCloud.Node.Storage;

/// <summary>A RocksDB write batch. Reusable; for one thread.</summary>
internal sealed unsafe class RocksBatch(IntPtr[] tables, IntPtr versions) : IKvBatch
{
    public IntPtr Handle { get; } = RocksApi.Native.rocksdb_writebatch_create();

    public int Count => RocksApi.Native.rocksdb_writebatch_count(Handle);

    public void Put(KvTable table, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        fixed (byte* keyPointer = key)
        fixed (byte* valuePointer = value)
        {
            RocksApi.Native.rocksdb_writebatch_put_cf(
                Handle, tables[(int)table], keyPointer, (UIntPtr)key.Length, valuePointer, (UIntPtr)value.Length);
        }
    }

    public void Delete(KvTable table, ReadOnlySpan<byte> key)
    {
        fixed (byte* keyPointer = key)
        {
            RocksApi.Native.rocksdb_writebatch_delete_cf(Handle, tables[(int)table], keyPointer, (UIntPtr)key.Length);
        }
    }

    public void DeleteSingle(KvTable table, ReadOnlySpan<byte> key)
    {
        fixed (byte* keyPointer = key)
        {
            RocksApi.Native.rocksdb_writebatch_singledelete_cf(
                Handle, tables[(int)table], keyPointer, (UIntPtr)key.Length);
        }
    }

    public void PutVersion(ReadOnlySpan<byte> key, CommitVersion version, ReadOnlySpan<byte> value)
    {
        byte* timestamp = stackalloc byte[RocksTimestamp.SizeBytes];
        RocksTimestamp.Write(new Span<byte>(timestamp, RocksTimestamp.SizeBytes), version);
        fixed (byte* keyPointer = key)
        fixed (byte* valuePointer = value)
        {
            RocksApi.Native.rocksdb_writebatch_put_cf_with_ts(
                Handle, versions, (IntPtr)keyPointer, (UIntPtr)key.Length, (IntPtr)timestamp, RocksTimestamp.SizeBytes,
                (IntPtr)valuePointer, (UIntPtr)value.Length);
        }
    }

    public void DeleteVersion(ReadOnlySpan<byte> key, CommitVersion version)
    {
        byte* timestamp = stackalloc byte[RocksTimestamp.SizeBytes];
        RocksTimestamp.Write(new Span<byte>(timestamp, RocksTimestamp.SizeBytes), version);
        fixed (byte* keyPointer = key)
        {
            RocksApi.Native.rocksdb_writebatch_delete_cf_with_ts(
                Handle, versions, (IntPtr)keyPointer, (UIntPtr)key.Length, (IntPtr)timestamp, RocksTimestamp.SizeBytes);
        }
    }

    public void Clear() => RocksApi.Native.rocksdb_writebatch_clear(Handle);

    public void Dispose() => RocksApi.Native.rocksdb_writebatch_destroy(Handle);
}

using System.Buffers.Binary;
using System.Runtime.InteropServices;
using KvCloud.Node.Operations;

namespace KvCloud.Node.Storage;

/// <summary>Commit versions as RocksDB's user-defined timestamps: eight bytes, little-endian.</summary>
internal static class RocksTimestamp
{
    public const int SizeBytes = sizeof(ulong);

    /// <summary>The name of RocksDB's comparator: key bytes ascending, then versions descending.</summary>
    public const string ComparatorName = "leveldb.BytewiseComparator.u64ts";

    public static void Write(Span<byte> destination, CommitVersion version) =>
        BinaryPrimitives.WriteInt64LittleEndian(destination, version.Value);
}

/// <summary>RocksDB read options for one version of the data.</summary>
internal sealed unsafe class RocksReadVersion : IDisposable
{
    /// <summary>RocksDB keeps this pointer, not a copy of the bytes.</summary>
    private readonly byte* _timestamp = (byte*)NativeMemory.Alloc(RocksTimestamp.SizeBytes);

    public RocksReadVersion(CommitVersion at)
    {
        RocksTimestamp.Write(new Span<byte>(_timestamp, RocksTimestamp.SizeBytes), at);
        Options = CreateOptions();
        RocksApi.Native.rocksdb_readoptions_set_timestamp(Options, (IntPtr)_timestamp, RocksTimestamp.SizeBytes);
    }

    public IntPtr Options { get; }

    /// <summary>Read options with which every block that is read is held to its checksum.</summary>
    public static IntPtr CreateOptions()
    {
        IntPtr options = RocksApi.Native.rocksdb_readoptions_create();
        RocksApi.Native.rocksdb_readoptions_set_verify_checksums(options, 1);
        return options;
    }

    public void Dispose()
    {
        RocksApi.Native.rocksdb_readoptions_destroy(Options);
        NativeMemory.Free(_timestamp);
    }
}

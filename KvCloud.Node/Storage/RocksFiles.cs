using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace KvCloud.Node.Storage;

/// <summary>Lists the table files of a RocksDB store, with the checksums that its manifest records for them.</summary>
internal static class RocksFiles
{
    /// <summary>RocksDB's kTableFile.</summary>
    private const int TableFile = 2;

    /// <summary>The name of RocksDB's own CRC-32C of whole files.</summary>
    private const string ChecksumName = "FileChecksumCrc32c";

    /// <summary>Flushes nothing.</summary>
    public static IReadOnlyList<StoreFile> List(IntPtr database, string path)
    {
        IntPtr options = RocksApi.Native.rocksdb_livefiles_storage_info_options_create();
        RocksApi.Native.rocksdb_livefiles_storage_info_options_set_include_checksum_info(options, 1);
        RocksApi.Native.rocksdb_livefiles_storage_info_options_set_wal_size_for_flush(options, ulong.MaxValue);
        IntPtr found = RocksApi.Native.rocksdb_get_livefiles_storage_info(database, options, out IntPtr error);
        RocksApi.Native.rocksdb_livefiles_storage_info_options_destroy(options);
        RocksApi.ThrowOn(error, $"listing the files of {path}");
        try
        {
            var files = new List<StoreFile>();
            UIntPtr count = RocksApi.Native.rocksdb_livefiles_storage_info_count(found);
            for (UIntPtr index = 0; index < count; index++)
            {
                if (RocksApi.Native.rocksdb_livefiles_storage_info_file_type(found, index) == TableFile)
                {
                    files.Add(new StoreFile(
                        Text(RocksApi.Native.rocksdb_livefiles_storage_info_relative_filename(found, index))
                            .TrimStart('/'),
                        (long)RocksApi.Native.rocksdb_livefiles_storage_info_size(found, index),
                        ChecksumOf(found, index)));
                }
            }

            return files;
        }
        finally
        {
            RocksApi.Native.rocksdb_livefiles_storage_info_destroy(found);
        }
    }

    /// <summary>
    /// Four bytes, big-endian, any of which may be zero: not text, although the C interface returns it as a string.
    /// </summary>
    private static unsafe uint? ChecksumOf(IntPtr found, UIntPtr index)
    {
        string name = Text(RocksApi.Native.rocksdb_livefiles_storage_info_file_checksum_func_name(found, index));
        IntPtr checksum = RocksApi.Native.rocksdb_livefiles_storage_info_file_checksum(found, index);
        return name == ChecksumName && checksum != IntPtr.Zero
            ? BinaryPrimitives.ReadUInt32BigEndian(new ReadOnlySpan<byte>((void*)checksum, sizeof(uint)))
            : null;
    }

    private static string Text(IntPtr text) => Marshal.PtrToStringUTF8(text) ?? "";
}

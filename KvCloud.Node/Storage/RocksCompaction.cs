using System.Globalization;
using System.Runtime.InteropServices;

namespace KvCloud.Node.Storage;

/// <summary>
/// Compacts the table of versions on request, a range of keys at a time, and with the last one the table of garbage,
/// whose records go when the versions do. RocksDB's own compactions go on beside it.
/// </summary>
internal sealed class RocksCompaction : IDisposable
{
    /// <summary>
    /// RocksDB's kForceOptimized: files of the last level are rewritten too, but for those that this very compaction
    /// has written.
    /// </summary>
    private const byte RewriteLastLevel = 3;

    private const string EntriesName = "# entries=";

    private readonly IntPtr _database;
    private readonly IntPtr _versions;
    private readonly string _versionsName;
    private readonly IntPtr _garbage;
    private readonly IntPtr _options;
    private readonly string _path;

    /// <summary>Where the next piece begins; null at the first key.</summary>
    private byte[]? _from;

    public RocksCompaction(IntPtr database, IntPtr versions, string versionsName, IntPtr garbage, string path)
    {
        _database = database;
        _versions = versions;
        _versionsName = versionsName;
        _garbage = garbage;
        _path = path;
        _options = RocksApi.Native.rocksdb_compactoptions_create();
        RocksApi.Native.rocksdb_compactoptions_set_bottommost_level_compaction(_options, RewriteLastLevel);
        RocksApi.Native.rocksdb_compactoptions_set_exclusive_manual_compaction(_options, 0);
    }

    public VersionFigures Count()
    {
        long records = RocksApi.Property(_database, _versions, "rocksdb.num-entries-active-mem-table")
            + RocksApi.Property(_database, _versions, "rocksdb.num-entries-imm-mem-tables")
            + EntriesOfFiles();
        long bytes = RocksApi.Property(_database, _versions, "rocksdb.live-sst-files-size")
            + RocksApi.Property(_database, _versions, "rocksdb.cur-size-all-mem-tables");
        return new VersionFigures(records, bytes);
    }

    public bool CompactPiece(long bytes)
    {
        byte[]? end = EndOfPiece(bytes);
        Compact(_versions, _from, end);
        if (end is null)
        {
            _from = null;
            Compact(_garbage, null, null);
            return false;
        }

        // The next key after it.
        _from = [.. end, 0];
        return true;
    }

    public void Dispose() => RocksApi.Native.rocksdb_compactoptions_destroy(_options);

    /// <summary>
    /// The last key of the first files behind <see cref="_from"/> that are so large together; null for all the rest.
    /// </summary>
    private byte[]? EndOfPiece(long bytes)
    {
        long total = 0;
        foreach ((byte[] last, long size) in FilesByLastKey())
        {
            if (_from is null || last.AsSpan().SequenceCompareTo(_from) >= 0)
            {
                total += size;
                if (total >= bytes)
                {
                    return last;
                }
            }
        }

        return null;
    }

    private List<(byte[] LastKey, long SizeBytes)> FilesByLastKey()
    {
        var found = new List<(byte[] LastKey, long SizeBytes)>();
        IntPtr files = RocksApi.Native.rocksdb_livefiles(_database);
        int count = RocksApi.Native.rocksdb_livefiles_count(files);
        for (int i = 0; i < count; i++)
        {
            if (Marshal.PtrToStringUTF8(RocksApi.Native.rocksdb_livefiles_column_family_name(files, i))
                == _versionsName)
            {
                IntPtr key = RocksApi.Native.rocksdb_livefiles_largestkey(files, i, out UIntPtr length);
                byte[] last = new byte[(int)length - RocksTimestamp.SizeBytes];
                Marshal.Copy(key, last, 0, last.Length);
                found.Add((last, (long)RocksApi.Native.rocksdb_livefiles_size(files, i)));
            }
        }

        RocksApi.Native.rocksdb_livefiles_destroy(files);
        found.Sort((left, right) => left.LastKey.AsSpan().SequenceCompareTo(right.LastKey));
        return found;
    }

    /// <param name="from">Null for the first key.</param>
    /// <param name="to">Included; null for the last key.</param>
    private unsafe void Compact(IntPtr family, byte[]? from, byte[]? to)
    {
        fixed (byte* first = from)
        fixed (byte* last = to)
        {
            RocksApi.Native.rocksdb_compact_range_cf_opt(
                _database, family, _options,
                (IntPtr)first, (UIntPtr)(from?.Length ?? 0), (IntPtr)last, (UIntPtr)(to?.Length ?? 0));
        }
    }

    /// <summary>
    /// RocksDB's estimate of keys takes deletes from the values, as if each had found one and both were gone.
    /// </summary>
    private long EntriesOfFiles()
    {
        IntPtr text = RocksApi.Native.rocksdb_property_value_cf(
            _database, _versions, "rocksdb.aggregated-table-properties");
        if (text == IntPtr.Zero)
        {
            return 0;
        }

        string properties = Marshal.PtrToStringUTF8(text) ?? "";
        RocksApi.Native.rocksdb_free(text);
        int start = properties.IndexOf(EntriesName, StringComparison.Ordinal);
        if (start < 0)
        {
            return 0;
        }

        ReadOnlySpan<char> rest = properties.AsSpan(start + EntriesName.Length);
        int end = rest.IndexOf(';');
        return long.TryParse(end < 0 ? rest : rest[..end], NumberStyles.Integer, CultureInfo.InvariantCulture,
            out long entries)
            ? entries
            : 0;
    }
}

using System.Buffers.Binary;
using KvCloud.Consensus;
using KvCloud.Node.Storage;
using RocksDbSharp;

namespace KvCloud.Node.Replication;

/// <summary>
/// The log in a RocksDB instance of its own, whose write-ahead log is what is synced: one batch and one fdatasync for all
/// that waits. Keys are slots, so entries lie in order and the oldest go first when the log is trimmed.
/// </summary>
internal sealed unsafe class RocksPaxosLog : IPaxosLog
{
    private const int KeyBytes = 8;
    private const int TolerateCorruptedTailRecords = 0;
    private const long MemtableBytes = 16 * 1024 * 1024;

    private static readonly byte[] MetaKey = new byte[KeyBytes];

    private readonly string _path;
    private readonly IntPtr[] _families = new IntPtr[1];
    private readonly IntPtr _database;
    private readonly IntPtr _options;
    private readonly IntPtr _syncedWrite;
    private readonly IntPtr _unsyncedWrite;
    private readonly IntPtr _readOptions;
    private readonly IntPtr _batch;
    private readonly Lock _writing = new();
    private byte[] _record = new byte[64 * 1024];
    private Ballot _promised = Ballot.Zero;
    private long _chosen;
    private long _first = 1;
    private long _last;

    /// <exception cref="LogCorruptException">The files are damaged, other than at an unsynced end.</exception>
    public RocksPaxosLog(string path)
    {
        _path = path;
        Native native = RocksApi.Native;
        _options = MakeOptions(native);
        try
        {
            _database = RocksApi.Open(_options, path, ["default"], [_options], _families);
        }
        catch (StoreCorruptException exception)
        {
            throw new LogCorruptException(exception.Message);
        }

        _syncedWrite = native.rocksdb_writeoptions_create();
        native.rocksdb_writeoptions_set_sync(_syncedWrite, 1);
        _unsyncedWrite = native.rocksdb_writeoptions_create();
        _readOptions = native.rocksdb_readoptions_create();
        _batch = native.rocksdb_writebatch_create();
        Restore();
    }

    public Ballot Promised
    {
        get
        {
            lock (_writing)
            {
                return _promised;
            }
        }
    }

    public Slot ChosenSlot => new(Volatile.Read(ref _chosen));

    public Slot FirstSlot => new(Volatile.Read(ref _first));

    public Slot LastSlot => new(Volatile.Read(ref _last));

    public void Write(IReadOnlyList<Effects> writes)
    {
        lock (_writing)
        {
            bool mustSync = false;
            long chosen = _chosen;
            long last = _last;
            foreach (Effects effects in writes)
            {
                mustSync |= effects.MustSync;
                _promised = effects.Promised ?? _promised;
                chosen = effects.ChosenSlot?.Value ?? chosen;
                foreach (LogEntry entry in effects.Append)
                {
                    PutEntry(entry);
                    last = Math.Max(last, entry.Slot.Value);
                }
            }

            PutMeta(chosen, _first);
            Commit(mustSync ? _syncedWrite : _unsyncedWrite);
            Volatile.Write(ref _last, last);
            Volatile.Write(ref _chosen, chosen);
        }
    }

    public IReadOnlyList<LogEntry> Read(Slot from, Slot to, int maxBytes)
    {
        var entries = new List<LogEntry>();
        Slot begin = Slot.Max(from, FirstSlot);
        Span<byte> key = stackalloc byte[KeyBytes];
        BinaryPrimitives.WriteInt64BigEndian(key, begin.Value);
        using var iterator = new RocksIterator(
            RocksApi.Native.rocksdb_create_iterator_cf(_database, _readOptions, _families[0]));
        long bytes = 0;
        for (bool more = iterator.Seek(key); more && (bytes < maxBytes || entries.Count == 0); more = iterator.MoveNext())
        {
            var slot = new Slot(BinaryPrimitives.ReadInt64BigEndian(iterator.Key));
            if (slot > to)
            {
                break;
            }

            LogEntry entry = LogRecord.ReadEntry(slot, iterator.Value);
            bytes += entry.Value.Payload.Length;
            entries.Add(entry);
        }

        return entries;
    }

    public void TrimBelow(Slot slot)
    {
        lock (_writing)
        {
            if (slot.Value <= _first)
            {
                return;
            }

            Span<byte> begin = stackalloc byte[KeyBytes];
            Span<byte> end = stackalloc byte[KeyBytes];
            BinaryPrimitives.WriteInt64BigEndian(begin, _first);
            BinaryPrimitives.WriteInt64BigEndian(end, slot.Value);
            fixed (byte* from = begin)
            fixed (byte* to = end)
            {
                RocksApi.Native.rocksdb_writebatch_delete_range_cf(
                    _batch, _families[0], from, KeyBytes, to, KeyBytes);
            }

            PutMeta(_chosen, slot.Value);
            Commit(_unsyncedWrite);
            Volatile.Write(ref _first, slot.Value);
        }
    }

    public void Dispose()
    {
        Native native = RocksApi.Native;
        native.rocksdb_cancel_all_background_work(_database, 1);
        native.rocksdb_writebatch_destroy(_batch);
        native.rocksdb_readoptions_destroy(_readOptions);
        native.rocksdb_writeoptions_destroy(_syncedWrite);
        native.rocksdb_writeoptions_destroy(_unsyncedWrite);
        native.rocksdb_column_family_handle_destroy(_families[0]);
        native.rocksdb_close(_database);
        native.rocksdb_options_destroy(_options);
    }

    private static IntPtr MakeOptions(Native native)
    {
        IntPtr options = native.rocksdb_options_create();
        native.rocksdb_options_set_create_if_missing(options, 1);
        native.rocksdb_options_set_write_buffer_size(options, (UIntPtr)MemtableBytes);
        native.rocksdb_options_set_max_write_buffer_number(options, 3);
        native.rocksdb_options_set_max_background_jobs(options, 2);
        native.rocksdb_options_set_keep_log_file_num(options, 5);
        native.rocksdb_options_set_max_log_file_size(options, (UIntPtr)(10 * 1024 * 1024));
        native.rocksdb_options_set_paranoid_checks(options, 1);

        // An unsynced tail may be torn by a crash and is dropped; damage in the middle of the write-ahead log is an error.
        // RocksDB's default (point in time) would quietly drop everything behind the damage, promises included.
        native.rocksdb_options_set_wal_recovery_mode(options, TolerateCorruptedTailRecords);
        return options;
    }

    private void Restore()
    {
        UIntPtr length;
        IntPtr value;
        fixed (byte* key = MetaKey)
        {
            value = RocksApi.Native.rocksdb_get_cf(
                _database, _readOptions, _families[0], key, KeyBytes, out length, out IntPtr error);
            RocksApi.ThrowOn(error, $"reading {_path}");
        }

        if (value == IntPtr.Zero)
        {
            return;
        }

        LogRecord.Meta meta = LogRecord.ReadMeta(new ReadOnlySpan<byte>((void*)value, checked((int)length)));
        RocksApi.Native.rocksdb_free(value);
        _promised = meta.Promised;
        _chosen = meta.Chosen.Value;
        _first = meta.First.Value;
        _last = FindLast();
    }

    private long FindLast()
    {
        using var iterator = new RocksIterator(
            RocksApi.Native.rocksdb_create_iterator_cf(_database, _readOptions, _families[0]));
        Span<byte> highest = stackalloc byte[KeyBytes];
        highest.Fill(0xFF);
        return iterator.SeekBefore(highest)
            ? Math.Max(_first - 1, BinaryPrimitives.ReadInt64BigEndian(iterator.Key))
            : _first - 1;
    }

    private void PutEntry(LogEntry entry)
    {
        int size = LogRecord.SizeBytesOf(entry);
        if (_record.Length < size)
        {
            _record = new byte[Math.Max(size, _record.Length * 2)];
        }

        LogRecord.Write(entry, _record.AsSpan(0, size));
        Span<byte> key = stackalloc byte[KeyBytes];
        BinaryPrimitives.WriteInt64BigEndian(key, entry.Slot.Value);
        Put(key, _record.AsSpan(0, size));
    }

    private void PutMeta(long chosen, long first)
    {
        Span<byte> record = stackalloc byte[LogRecord.MetaBytes];
        LogRecord.Write(new LogRecord.Meta(_promised, new Slot(chosen), new Slot(first)), record);
        Put(MetaKey, record);
    }

    private void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        fixed (byte* keyPointer = key)
        fixed (byte* valuePointer = value)
        {
            RocksApi.Native.rocksdb_writebatch_put_cf(
                _batch, _families[0], keyPointer, (UIntPtr)key.Length, valuePointer, (UIntPtr)value.Length);
        }
    }

    /// <summary>A failure is never retried: after a failed fsync the kernel may have dropped what it was to write.</summary>
    private void Commit(IntPtr writeOptions)
    {
        RocksApi.Native.rocksdb_write(_database, writeOptions, _batch, out IntPtr error);
        RocksApi.Native.rocksdb_writebatch_clear(_batch);
        if (RocksApi.TakeError(error) is string text)
        {
            throw new LogFailedException($"the log in {_path} did not take a write: {text}");
        }
    }
}

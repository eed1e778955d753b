using System.Buffers.Binary;
using System.IO.Hashing;
using KvCloud.Consensus;
using KvCloud.Node.Storage;
using RocksDbSharp;

namespace KvCloud.Node.Replication;

/// <summary>
/// The log on a RocksDB of its own, whose write-ahead log is the durability: one batch and at most one fdatasync for all
/// effects that wait. The slots are written in ascending order, so files move down the levels as they are, without
/// being rewritten, and trimming unlinks whole files: nothing is deleted key by key.
/// </summary>
/// <remarks>
/// Recovery mode is "tolerate corrupted tail records", and write-ahead files are never recycled: a last record that is
/// not all there was never synced (an append that was synced is whole), and is dropped; anything else that is
/// wrong stops the opening. "Point in time" would take damage in the middle for the end and silently forget promises
/// and accepted values behind it, which other replicas already counted on.
/// One thread writes; another may trim; any may read.
/// </remarks>
internal sealed unsafe class RocksPaxosLog : IPaxosLog
{
    private const int WriteBufferSizeBytes = 4 * 1024 * 1024;
    private const int MaxWriteBuffers = 4;
    private const int BlockCacheSizeBytes = 1024 * 1024;
    private const int NumberSizeBytes = 1 + sizeof(long) + sizeof(ulong);
    private const int PromiseSizeBytes = 1 + LogRecord.BallotSizeBytes + sizeof(ulong);
    private const byte FormatVersion = 1;

    private static readonly string[] FamilyNames = ["default", "slots"];

    private readonly string _path;
    private readonly IntPtr _options;
    private readonly IntPtr _slotOptions;
    private readonly IntPtr _tableFactory;
    private readonly IntPtr _cache;
    private readonly IntPtr[] _families = new IntPtr[2];
    private readonly IntPtr _database;
    private readonly IntPtr _readOptions;
    private readonly IntPtr _syncWrite;
    private readonly IntPtr _plainWrite;
    private readonly IntPtr _batch;
    private Ballot _promised = Ballot.Zero;
    private long _chosenSlot;
    private long _firstSlot = 1;
    private long _lastSlot;
    private volatile bool _failed;

    private RocksPaxosLog(string path)
    {
        _path = path;
        Native native = RocksApi.Native;
        _cache = native.rocksdb_cache_create_lru(BlockCacheSizeBytes);
        _tableFactory = native.rocksdb_block_based_options_create();
        native.rocksdb_block_based_options_set_block_cache(_tableFactory, _cache);
        _options = CreateOptions();
        _slotOptions = CreateOptions();
        try
        {
            _database = RocksApi.Open(_options, path, FamilyNames, [_options, _slotOptions], _families);
        }
        catch
        {
            DisposeOptions();
            throw;
        }

        _readOptions = native.rocksdb_readoptions_create();
        native.rocksdb_readoptions_set_fill_cache(_readOptions, 0);
        _syncWrite = native.rocksdb_writeoptions_create();
        native.rocksdb_writeoptions_set_sync(_syncWrite, 1);
        _plainWrite = native.rocksdb_writeoptions_create();
        _batch = native.rocksdb_writebatch_create();
    }

    public Ballot Promised => _promised;

    public Slot ChosenSlot => new(Volatile.Read(ref _chosenSlot));

    public Slot FirstSlot => new(Volatile.Read(ref _firstSlot));

    public Slot LastSlot => new(Math.Max(Volatile.Read(ref _lastSlot), Volatile.Read(ref _firstSlot) - 1));

    private IntPtr Meta => _families[0];

    private IntPtr Slots => _families[1];

    private static ReadOnlySpan<byte> PromisedKey => "promised"u8;

    private static ReadOnlySpan<byte> ChosenKey => "chosen"u8;

    private static ReadOnlySpan<byte> FirstKey => "first"u8;

    /// <summary>Opens the log in this directory, which is made if it is missing.</summary>
    /// <exception cref="LogFailedException">The directory cannot be used, or is in use.</exception>
    /// <exception cref="LogCorruptException">What is in it is damaged, beyond an end that was never synced.</exception>
    public static RocksPaxosLog Open(string path)
    {
        RocksPaxosLog? log = null;
        try
        {
            log = new RocksPaxosLog(path);
            log.Load();
            return log;
        }
        catch (StoreCorruptException exception)
        {
            log?.Dispose();
            throw new LogCorruptException(
                $"{exception.Message}. The log in {path} is damaged and nothing of it may be cut off, since others "
                + "rely on what this replica promised: restore the replica from its peers as a new one.");
        }
        catch (StoreFailedException exception)
        {
            log?.Dispose();
            throw new LogFailedException(exception.Message, exception);
        }
        catch
        {
            log?.Dispose();
            throw;
        }
    }

    public void Write(IReadOnlyList<Effects> writes)
    {
        if (_failed)
        {
            throw new LogFailedException($"The log in {_path} has failed before: what is on disk is unknown.");
        }

        Native native = RocksApi.Native;
        native.rocksdb_writebatch_clear(_batch);
        Ballot promised = _promised;
        long chosenSlot = _chosenSlot;
        long lastSlot = _lastSlot;
        bool mustSync = false;
        foreach (Effects effects in writes)
        {
            mustSync |= effects.MustSync;
            if (effects.Promised is Ballot ballot)
            {
                Invariant.Check(ballot >= promised, $"promises only grow: {ballot} after {promised}");
                promised = ballot;
                PutPromise(ballot);
            }

            foreach (LogEntry entry in effects.Append)
            {
                PutEntry(entry);
                lastSlot = Math.Max(lastSlot, entry.Slot.Value);
            }

            chosenSlot = Math.Max(chosenSlot, effects.ChosenSlot?.Value ?? 0);
        }

        if (chosenSlot != _chosenSlot)
        {
            PutNumber(_batch, ChosenKey, chosenSlot);
        }

        Commit(_batch, mustSync ? _syncWrite : _plainWrite);
        _promised = promised;
        Volatile.Write(ref _lastSlot, lastSlot);
        Volatile.Write(ref _chosenSlot, chosenSlot);
    }

    public IReadOnlyList<LogEntry> Read(Slot from, Slot to, int maxBytes)
    {
        var entries = new List<LogEntry>();
        long sizeBytes = 0;
        Span<byte> key = stackalloc byte[sizeof(long)];
        try
        {
            using var records = new RocksIterator(
                RocksApi.Native.rocksdb_create_iterator_cf(_database, _readOptions, Slots));
            WriteKey(key, Slot.Max(from, FirstSlot));
            for (records.Seek(key); records.IsValid; records.MoveNext())
            {
                var slot = new Slot(BinaryPrimitives.ReadInt64BigEndian(records.Key));
                sizeBytes += records.Value.Length;
                if (slot > to || (sizeBytes > maxBytes && entries.Count > 0))
                {
                    break;
                }

                entries.Add(LogRecord.Read(slot, records.Value));
            }
        }
        catch (StoreCorruptException exception)
        {
            throw new LogCorruptException(exception.Message);
        }
        catch (StoreFailedException exception)
        {
            throw new LogFailedException(exception.Message, exception);
        }

        return entries;
    }

    /// <summary>
    /// Notes the new first slot and unlinks the files that hold nothing above it. What is left of others is never read again,
    /// and goes with its file.
    /// </summary>
    public void TrimBelow(Slot slot)
    {
        if (slot <= FirstSlot)
        {
            return;
        }

        Native native = RocksApi.Native;
        IntPtr batch = native.rocksdb_writebatch_create();
        PutNumber(batch, FirstKey, slot.Value);
        try
        {
            // Not synced: after a crash some more is there than need be.
            Commit(batch, _plainWrite);
        }
        finally
        {
            native.rocksdb_writebatch_destroy(batch);
        }

        Volatile.Write(ref _firstSlot, slot.Value);
        Span<byte> begin = stackalloc byte[sizeof(long)];
        Span<byte> end = stackalloc byte[sizeof(long)];
        WriteKey(begin, Slot.Zero);
        WriteKey(end, slot.Previous);
        fixed (byte* beginPointer = begin)
        fixed (byte* endPointer = end)
        {
            native.rocksdb_delete_file_in_range_cf(
                _database, Slots, (IntPtr)beginPointer, (UIntPtr)begin.Length, (IntPtr)endPointer, (UIntPtr)end.Length,
                out IntPtr error);
            if (RocksApi.TakeError(error) is string text)
            {
                throw new LogFailedException($"RocksDB failed while trimming the log in {_path}: {text}");
            }
        }
    }

    public void Dispose()
    {
        Native native = RocksApi.Native;
        native.rocksdb_cancel_all_background_work(_database, 1);
        foreach (IntPtr family in _families)
        {
            native.rocksdb_column_family_handle_destroy(family);
        }

        native.rocksdb_close(_database);
        native.rocksdb_writebatch_destroy(_batch);
        native.rocksdb_writeoptions_destroy(_syncWrite);
        native.rocksdb_writeoptions_destroy(_plainWrite);
        native.rocksdb_readoptions_destroy(_readOptions);
        DisposeOptions();
    }

    private IntPtr CreateOptions()
    {
        Native native = RocksApi.Native;
        IntPtr options = native.rocksdb_options_create();
        native.rocksdb_options_set_create_if_missing(options, 1);
        native.rocksdb_options_set_create_missing_column_families(options, 1);
        native.rocksdb_options_set_wal_recovery_mode(
            options, RocksDbSharp.Recovery.TolerateCorruptedTailRecords);
        native.rocksdb_options_set_recycle_log_file_num(options, (UIntPtr)0);

        // A write-ahead file that vanished or is shorter than what was synced into it fails the opening too.
        native.rocksdb_options_set_track_and_verify_wals_in_manifest(options, 1);
        native.rocksdb_options_set_paranoid_checks(options, 1);
        native.rocksdb_options_set_write_buffer_size(options, (UIntPtr)WriteBufferSizeBytes);
        native.rocksdb_options_set_max_write_buffer_number(options, MaxWriteBuffers);
        native.rocksdb_options_set_max_background_jobs(options, 2);

        // Otherwise a quiet family keeps every write-ahead file alive.
        native.rocksdb_options_set_max_total_wal_size(options, 4 * WriteBufferSizeBytes);
        native.rocksdb_options_set_compression(options, Compression.No);
        native.rocksdb_options_set_level0_file_num_compaction_trigger(options, 2);
        native.rocksdb_options_set_avoid_flush_during_shutdown(options, 1);
        native.rocksdb_options_set_max_log_file_size(options, (UIntPtr)(4 * 1024 * 1024));
        native.rocksdb_options_set_keep_log_file_num(options, (UIntPtr)3);
        native.rocksdb_options_set_stats_dump_period_sec(options, 0);
        native.rocksdb_options_set_block_based_table_factory(options, _tableFactory);
        return options;
    }

    private void DisposeOptions()
    {
        RocksApi.Native.rocksdb_options_destroy(_options);
        RocksApi.Native.rocksdb_options_destroy(_slotOptions);
        RocksApi.Native.rocksdb_block_based_options_destroy(_tableFactory);
        RocksApi.Native.rocksdb_cache_destroy(_cache);
    }

    private void Load()
    {
        if (ReadMeta(PromisedKey) is byte[] promise)
        {
            CheckMeta(promise, PromiseSizeBytes, "promise");
            _promised = LogRecord.ReadBallot(promise.AsSpan(1));
        }

        _chosenSlot = ReadNumber(ChosenKey, "chosen slot") ?? 0;
        _firstSlot = ReadNumber(FirstKey, "first slot") ?? 1;
        using var records = new RocksIterator(
            RocksApi.Native.rocksdb_create_iterator_cf(_database, _readOptions, Slots));
        Span<byte> beyond = stackalloc byte[sizeof(long)];
        WriteKey(beyond, new Slot(long.MaxValue));
        _lastSlot = records.SeekBefore(beyond) ? BinaryPrimitives.ReadInt64BigEndian(records.Key) : 0;
    }

    private void PutEntry(LogEntry entry)
    {
        byte* key = stackalloc byte[sizeof(long)];
        byte* header = stackalloc byte[LogRecord.HeaderSizeBytes];
        byte* checksum = stackalloc byte[LogRecord.ChecksumSizeBytes];
        ReadOnlySpan<byte> payload = entry.Value.Payload.Span;
        WriteKey(new Span<byte>(key, sizeof(long)), entry.Slot);
        var headerSpan = new Span<byte>(header, LogRecord.HeaderSizeBytes);
        LogRecord.WriteHeader(headerSpan, entry);
        BinaryPrimitives.WriteUInt64LittleEndian(
            new Span<byte>(checksum, LogRecord.ChecksumSizeBytes),
            LogRecord.Checksum(entry.Slot, headerSpan, payload));
        fixed (byte* payloadPointer = payload)
        {
            // In parts, so that the payload is copied once only, into the batch.
            UIntPtr keySize = sizeof(long);
            byte** values = stackalloc byte*[] { header, payloadPointer, checksum };
            UIntPtr* sizes = stackalloc UIntPtr[]
            {
                LogRecord.HeaderSizeBytes, (UIntPtr)payload.Length, LogRecord.ChecksumSizeBytes,
            };
            RocksApi.Native.rocksdb_writebatch_putv_cf(
                _batch, Slots, 1, (IntPtr)(&key), (IntPtr)(&keySize), 3, (IntPtr)values, (IntPtr)sizes);
        }
    }

    private void PutPromise(Ballot ballot)
    {
        Span<byte> record = stackalloc byte[PromiseSizeBytes];
        record[0] = FormatVersion;
        LogRecord.WriteBallot(record[1..], ballot);
        PutMeta(_batch, PromisedKey, record);
    }

    private void PutNumber(IntPtr batch, ReadOnlySpan<byte> key, long number)
    {
        Span<byte> record = stackalloc byte[NumberSizeBytes];
        record[0] = FormatVersion;
        BinaryPrimitives.WriteInt64LittleEndian(record[1..], number);
        PutMeta(batch, key, record);
    }

    /// <summary>Completes the record with its checksum.</summary>
    private void PutMeta(IntPtr batch, ReadOnlySpan<byte> key, Span<byte> record)
    {
        int end = record.Length - sizeof(ulong);
        BinaryPrimitives.WriteUInt64LittleEndian(record[end..], XxHash3.HashToUInt64(record[..end]));
        fixed (byte* keyPointer = key)
        fixed (byte* recordPointer = record)
        {
            RocksApi.Native.rocksdb_writebatch_put_cf(
                batch, Meta, keyPointer, (UIntPtr)key.Length, recordPointer, (UIntPtr)record.Length);
        }
    }

    private void Commit(IntPtr batch, IntPtr writeOptions)
    {
        RocksApi.Native.rocksdb_write(_database, writeOptions, batch, out IntPtr error);
        if (RocksApi.TakeError(error) is string text)
        {
            _failed = true;
            throw new LogFailedException($"RocksDB failed while writing the log in {_path}: {text}");
        }
    }

    private long? ReadNumber(ReadOnlySpan<byte> key, string what)
    {
        if (ReadMeta(key) is not byte[] record)
        {
            return null;
        }

        CheckMeta(record, NumberSizeBytes, what);
        return BinaryPrimitives.ReadInt64LittleEndian(record.AsSpan(1));
    }

    private byte[]? ReadMeta(ReadOnlySpan<byte> key)
    {
        fixed (byte* keyPointer = key)
        {
            IntPtr value = RocksApi.Native.rocksdb_get_cf(
                _database, _readOptions, Meta, keyPointer, (UIntPtr)key.Length, out UIntPtr length, out IntPtr error);
            RocksApi.ThrowOn(error, $"reading the log in {_path}");
            if (value == IntPtr.Zero)
            {
                return null;
            }

            byte[] record = new ReadOnlySpan<byte>((void*)value, checked((int)length)).ToArray();
            RocksApi.Native.rocksdb_free(value);
            return record;
        }
    }

    private static void CheckMeta(ReadOnlySpan<byte> record, int size, string what)
    {
        if (record.Length > 0 && record[0] != FormatVersion)
        {
            throw new LogCorruptException(
                $"the {what} in the log has format {record[0]}; this program knows {FormatVersion}");
        }

        int end = record.Length - sizeof(ulong);
        if (record.Length != size
            || BinaryPrimitives.ReadUInt64LittleEndian(record[end..]) != XxHash3.HashToUInt64(record[..end]))
        {
            throw new LogCorruptException($"the record of the {what} in the log fails its checksum");
        }
    }

    private static void WriteKey(Span<byte> destination, Slot slot) =>
        BinaryPrimitives.WriteInt64BigEndian(destination, slot.Value);
}

namespace KvCloud.Node.Storage;

/// <summary>All tables at one moment. What it sees is not deleted from disk before it is disposed of.</summary>
internal sealed class RocksSnapshot : IKvSnapshot
{
    private readonly RocksKvStore _store;
    private readonly IntPtr _database;
    private readonly IntPtr _snapshot;
    private readonly IntPtr _readOptions;

    public RocksSnapshot(RocksKvStore store, IntPtr database)
    {
        _store = store;
        _database = database;
        _snapshot = RocksApi.Native.rocksdb_create_snapshot(database);
        _readOptions = RocksApi.Native.rocksdb_readoptions_create();
        RocksApi.Native.rocksdb_readoptions_set_snapshot(_readOptions, _snapshot);
    }

    public bool TryGet(KvTable table, ReadOnlySpan<byte> key, ref ValueBuffer value) =>
        _store.TryGet(_readOptions, table, key, ref value);

    public IKvIterator Iterate(KvTable table) => _store.Iterate(_readOptions, table);

    public void Dispose()
    {
        RocksApi.Native.rocksdb_readoptions_destroy(_readOptions);
        RocksApi.Native.rocksdb_release_snapshot(_database, _snapshot);
    }
}

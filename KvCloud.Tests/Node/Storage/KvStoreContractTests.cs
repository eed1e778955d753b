using System.Text;
using KvCloud.Node.Operations;
using KvCloud.Node.Storage;

namespace KvCloud.Tests.Node.Storage;

/// <summary>What every store promises, asked of each.</summary>
public sealed class KvStoreContractTests : StoreTests
{
    [Theory]
    [MemberData(nameof(Stores))]
    public void Write_of_several_changes_applies_them_in_order(string kind)
    {
        using IKvStore store = Open(kind);
        Write(store, batch =>
        {
            batch.Put(KvTable.Sessions, "a"u8, "1"u8);
            batch.Put(KvTable.Sessions, "b"u8, "1"u8);
            batch.Put(KvTable.Sessions, "c"u8, "1"u8);
            batch.Delete(KvTable.Sessions, "a"u8);
            batch.Delete(KvTable.Sessions, "b"u8);
            batch.Put(KvTable.Sessions, "b"u8, "2"u8);
            batch.Delete(KvTable.Sessions, "never"u8);
            batch.Put(KvTable.Garbage, "a"u8, ""u8);
        });

        Assert.Null(Get(store, "a"));
        Assert.Equal("2", Get(store, "b"));
        Assert.Equal("1", Get(store, "c"));
        Assert.Equal("", Get(store, "a", KvTable.Garbage));
        Write(store, batch => batch.DeleteSingle(KvTable.Garbage, "a"u8));
        Assert.Null(Get(store, "a", KvTable.Garbage));
    }

    [Theory]
    [MemberData(nameof(Stores))]
    public void TryGet_of_a_value_larger_than_its_scratch_brings_it_whole(string kind)
    {
        using IKvStore store = Open(kind);
        byte[] large = [.. Enumerable.Range(0, 100_000).Select(i => (byte)i)];
        Write(store, batch => batch.Put(KvTable.Sessions, "a"u8, large));

        var buffer = new ValueBuffer(stackalloc byte[16]);
        Assert.True(store.TryGet(KvTable.Sessions, "a"u8, ref buffer));
        Assert.True(buffer.Value.SequenceEqual(large));
        buffer.Dispose();
    }

    [Theory]
    [MemberData(nameof(Stores))]
    public void Iterate_both_ways_walks_in_order_of_unsigned_bytes(string kind)
    {
        using IKvStore store = Open(kind);
        Write(store, batch =>
        {
            foreach (byte first in (byte[])[0xFF, 0x00, 0x7F, 0x80])
            {
                batch.Put(KvTable.Sessions, [first], [first]);
            }
        });

        using IKvIterator iterator = store.Iterate(KvTable.Sessions);
        Assert.False(iterator.IsValid);
        Assert.True(iterator.Seek([]));
        Assert.Equal([0x00], iterator.Key.ToArray());
        Assert.True(iterator.MoveNext());
        Assert.Equal([0x7F], iterator.Key.ToArray());
        Assert.True(iterator.Seek([0x7F, 0x00]));
        Assert.Equal([0x80], iterator.Value.ToArray());
        Assert.True(iterator.SeekBefore([0x80]));
        Assert.Equal([0x7F], iterator.Key.ToArray());
        Assert.True(iterator.SeekBefore([0xFF, 0xFF]));
        Assert.Equal([0xFF], iterator.Key.ToArray());
        Assert.False(iterator.MoveNext());
        Assert.False(iterator.SeekBefore([0x00]));
        Assert.True(iterator.Seek([0x01]));
        Assert.True(iterator.MovePrevious());
        Assert.False(iterator.MovePrevious());
    }

    [Theory]
    [MemberData(nameof(Stores))]
    public void Iterate_beside_writes_sees_one_moment(string kind)
    {
        using IKvStore store = Open(kind);
        Write(store, batch =>
        {
            batch.Put(KvTable.Sessions, "a"u8, "old"u8);
            batch.PutVersion("a"u8, new CommitVersion(1), "old"u8);
        });
        using IKvIterator plain = store.Iterate(KvTable.Sessions);
        using IKvIterator newest = store.IterateNewest();
        Write(store, batch =>
        {
            batch.Put(KvTable.Sessions, "a"u8, "new"u8);
            batch.Put(KvTable.Sessions, "b"u8, "new"u8);
            batch.PutVersion("a"u8, new CommitVersion(2), "new"u8);
            batch.PutVersion("b"u8, new CommitVersion(2), "new"u8);
        });

        foreach (IKvIterator iterator in (IKvIterator[])[plain, newest])
        {
            Assert.True(iterator.Seek("a"u8));
            Assert.Equal("old", Encoding.UTF8.GetString(iterator.Value));
            Assert.False(iterator.MoveNext());
        }

        Assert.Equal("new", Get(store, "a"));
    }

    [Fact]
    public void RocksKvStore_reopened_stands_at_one_flush_in_all_tables()
    {
        using (IKvStore store = Open("rocks"))
        {
            Write(store, batch =>
            {
                batch.Put(KvTable.Sessions, "a"u8, "1"u8);
                batch.PutVersion("a"u8, new CommitVersion(1), "1"u8);
                batch.Put(KvTable.Meta, "applied"u8, "1"u8);
            });
            store.Flush();
            Write(store, batch =>
            {
                batch.Put(KvTable.Sessions, "a"u8, "2"u8);
                batch.PutVersion("a"u8, new CommitVersion(2), "2"u8);
                batch.Put(KvTable.Meta, "applied"u8, "2"u8);
            });
        }

        using IKvStore reopened = Open("rocks");
        Assert.Equal("1", Get(reopened, "a"));
        Assert.Equal("1", Get(reopened, "applied", KvTable.Meta));
        var buffer = new ValueBuffer(stackalloc byte[64]);
        Assert.True(reopened.TryGetNewest("a"u8, ref buffer));
        Assert.Equal("1", Encoding.UTF8.GetString(buffer.Value));
        buffer.Dispose();
    }

    [Fact]
    public void CreateCheckpoint_of_a_store_opens_with_all_that_was_written()
    {
        using var store = RocksKvStore.Open(Temporary.Sub("data"), new StoreOptions());
        Write(store, batch => batch.Put(KvTable.Sessions, "a"u8, "1"u8));
        store.CreateCheckpoint(Temporary.Sub("checkpoint"));
        Write(store, batch => batch.Put(KvTable.Sessions, "a"u8, "2"u8));

        using var copy = RocksKvStore.Open(Temporary.Sub("checkpoint"), new StoreOptions());
        Assert.Equal("1", Get(copy, "a"));
    }

    [Fact]
    public void RocksKvStore_of_a_second_opener_is_refused()
    {
        using IKvStore store = Open("rocks");

        StoreFailedException refusal = Assert.Throws<StoreFailedException>(() => Open("rocks"));

        Assert.Contains("lock", refusal.Message, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void GetFigures_of_a_rocks_store_are_real()
    {
        using var store = RocksKvStore.Open(
            Temporary.Sub("data"), new StoreOptions { EnableStatistics = true });
        Write(store, batch =>
        {
            for (int i = 0; i < 10_000; i++)
            {
                batch.Put(KvTable.Sessions, Encoding.UTF8.GetBytes($"{i:D8}"), new byte[100]);
            }
        });
        store.Flush();
        for (int i = 0; i < 100; i++)
        {
            Assert.NotNull(Get(store, "00000001"));
        }

        StoreFigures figures = store.GetFigures();

        Assert.InRange(figures.SizeBytes, 10_000, 100_000_000);
        Assert.InRange(figures.CacheHitPercent!.Value, 50, 100);
        Assert.Contains(
            figures.Details, detail => detail.Key == "rocksdb.sessions.estimate-num-keys" && detail.Value == 10_000);
    }

    private static string? Get(IKvStore store, string key, KvTable table = KvTable.Sessions)
    {
        var buffer = new ValueBuffer(stackalloc byte[64]);
        string? value = store.TryGet(table, Encoding.UTF8.GetBytes(key), ref buffer)
            ? Encoding.UTF8.GetString(buffer.Value)
            : null;
        buffer.Dispose();
        return value;
    }
}

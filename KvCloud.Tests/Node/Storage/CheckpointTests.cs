using System.Globalization;
using System.Text;
using KvCloud.Consensus;
using KvCloud.Node.Files;
using KvCloud.Node.Operations;
using KvCloud.Node.State;
using KvCloud.Node.Storage;

namespace KvCloud.Tests.Node.Storage;

/// <summary>A checkpoint is a store of one moment, in every table, whatever is written meanwhile.</summary>
public sealed class CheckpointTests : StoreTests
{
    [Theory]
    [MemberData(nameof(Stores))]
    public void CreateCheckpoint_holds_all_that_was_written_and_nothing_later(string kind)
    {
        using IKvStore store = Open(kind);
        WriteEverywhere(store, 1);
        WriteEverywhere(store, 2);
        store.CreateCheckpoint(SystemFiles.Instance, Temporary.Sub("checkpoint"));
        WriteEverywhere(store, 3);

        using IKvStore copy = OpenCopy(kind, Temporary.Sub("checkpoint"));
        Assert.All(ReadEverywhere(copy), count => Assert.Equal(2, count));
        var buffer = new ValueBuffer(stackalloc byte[64]);
        Assert.True(copy.TryGetAt("count"u8, new CommitVersion(1), ref buffer));
        Assert.Equal("1", Encoding.UTF8.GetString(buffer.Value));
        buffer.Dispose();
    }

    /// <summary>
    /// Without a log of its own RocksDB has been seen to leave tables of one checkpoint at different moments
    /// (facebook/rocksdb#10302), where the flush of the tables was not atomic.
    /// </summary>
    [Theory]
    [MemberData(nameof(Stores))]
    public void CreateCheckpoint_beside_a_writer_has_all_tables_at_the_same_batch(string kind)
    {
        using IKvStore store = Open(kind);
        long written = 0;
        bool isEnough = false;
        var writer = new Thread(() =>
        {
            while (!Volatile.Read(ref isEnough))
            {
                WriteEverywhere(store, written + 1);
                Volatile.Write(ref written, written + 1);
            }
        });
        writer.Start();
        try
        {
            for (int round = 0; round < 25; round++)
            {
                long before = Volatile.Read(ref written);
                string directory = Temporary.Sub($"checkpoint-{round}");
                store.CreateCheckpoint(SystemFiles.Instance, directory);
                long after = Volatile.Read(ref written) + 1;

                using IKvStore copy = OpenCopy(kind, directory);
                long[] counts = ReadEverywhere(copy);
                Assert.True(counts.Distinct().Count() == 1, $"tables at {string.Join(", ", counts)}");
                Assert.InRange(counts[0], before, after);
            }
        }
        finally
        {
            Volatile.Write(ref isEnough, true);
            writer.Join();
        }
    }

    [Theory]
    [MemberData(nameof(Stores))]
    public void IsFlushed_tells_whether_any_table_has_something_in_memory_alone(string kind)
    {
        using IKvStore store = Open(kind);
        WriteEverywhere(store, 1);
        Assert.False(store.IsFlushed);
        store.Flush();
        Assert.True(store.IsFlushed);
        Write(store, batch => batch.Put(KvTable.Garbage, "a"u8, "1"u8));
        Assert.False(store.IsFlushed);
    }

    [Fact]
    public void OpenReadOnly_a_rocks_store_takes_no_write()
    {
        using (IKvStore store = Open("rocks"))
        {
            WriteEverywhere(store, 1);
            store.Flush();
        }

        using IKvStore copy = RocksKvStore.OpenReadOnly(Temporary.Sub("data"), new StoreOptions());
        Assert.All(ReadEverywhere(copy), count => Assert.Equal(1, count));
        Assert.Throws<StoreFailedException>(() => WriteEverywhere(copy, 2));
    }

    [Fact]
    public void Load_a_damaged_checkpoint_is_refused()
    {
        using IKvStore store = Open("memory");
        WriteEverywhere(store, 1);
        store.CreateCheckpoint(SystemFiles.Instance, Temporary.Sub("checkpoint"));
        string file = Path.Combine(Temporary.Sub("checkpoint"), "versions");
        byte[] content = File.ReadAllBytes(file);
        content[^12] ^= 1;
        File.WriteAllBytes(file, content);

        Assert.Throws<StoreCorruptException>(() => OpenCopy("memory", Temporary.Sub("checkpoint")));
    }

    [Theory]
    [MemberData(nameof(Stores))]
    public void CreateCheckpoint_of_the_executor_says_what_it_holds_and_has_it_durably(string kind)
    {
        using IKvStore store = Open(kind);
        using var executor = new KvStoreExecutor(store);
        executor.Apply([new(new(1), Value.NoOp(new Ballot(1, new NodeId(0))))], observer: null);
        executor.Apply([new(new(2), Value.NoOp(new Ballot(1, new NodeId(0))))], observer: null);

        AppliedState made = executor.CreateCheckpoint(SystemFiles.Instance, Temporary.Sub("checkpoint"));

        Assert.Equal(executor.Applied, made);
        Assert.Equal(new Slot(2), executor.DurableSlot);
        using IKvStore copy = OpenCopy(kind, Temporary.Sub("checkpoint"));
        Assert.Equal(made, KvStoreExecutor.ReadApplied(copy));
        using var other = new KvStoreExecutor(copy);
        Assert.Equal(made, other.Applied);
    }

    private static IKvStore OpenCopy(string kind, string directory) => kind == "memory"
        ? MemoryKvStore.Load(SystemFiles.Instance, directory)
        : RocksKvStore.OpenReadOnly(directory, new StoreOptions());

    /// <summary>One counter in all tables, in one batch.</summary>
    private static void WriteEverywhere(IKvStore store, long count) => Write(store, batch =>
    {
        byte[] text = Encoding.UTF8.GetBytes(count.ToString(CultureInfo.InvariantCulture));
        foreach (KvTable table in Enum.GetValues<KvTable>())
        {
            batch.Put(table, "count"u8, text);
        }

        batch.PutVersion("count"u8, new CommitVersion(count), text);
    });

    private static long[] ReadEverywhere(IKvStore store)
    {
        var counts = new List<long>();
        var buffer = new ValueBuffer(stackalloc byte[64]);
        foreach (KvTable table in Enum.GetValues<KvTable>())
        {
            counts.Add(store.TryGet(table, "count"u8, ref buffer) ? NumberIn(buffer) : 0);
        }

        counts.Add(store.TryGetNewest("count"u8, ref buffer) ? NumberIn(buffer) : 0);
        buffer.Dispose();
        return [.. counts];
    }

    private static long NumberIn(in ValueBuffer buffer) => long.Parse(buffer.Value, CultureInfo.InvariantCulture);
}

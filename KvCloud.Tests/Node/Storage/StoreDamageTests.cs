using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using KvCloud.Node.Files;
using KvCloud.Node.Operations;
using KvCloud.Node.Storage;

namespace KvCloud.Tests.Node.Storage;

/// <summary>
/// Damage of files, as a disk may do it: it is found where it is touched and where nobody touches it, named, and closes
/// the store.
/// </summary>
public sealed class StoreDamageTests : IDisposable
{
    private const int Keys = 2_000;

    private readonly TemporaryDirectory _temporary = new();

    private string Path => _temporary.Sub("data");

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void TryGetNewest_of_a_damaged_block_names_the_file_and_closes_the_store()
    {
        MakeStore();
        string file = FlipInBlocks();
        using RocksKvStore store = Open();
        var health = new StoreHealth();
        using var guarded = new GuardedKvStore(store, health);

        StoreCorruptException found = Assert.Throws<StoreCorruptException>(() => ReadAll(guarded));

        Assert.Equal(file, found.File);
        Assert.Equal("versions", found.Table);
        Assert.Equal(file, health.Damage!.File);
        Assert.Throws<StoreCorruptException>(() => guarded.Iterate(KvTable.Meta));
        Assert.Throws<StoreCorruptException>(() => guarded.Flush());
    }

    [Fact]
    public void Iterate_across_a_damaged_block_is_no_end_of_the_data()
    {
        MakeStore();
        string file = FlipInBlocks();
        using RocksKvStore store = Open();
        using IKvIterator rows = store.IterateNewest();

        StoreCorruptException found = Assert.Throws<StoreCorruptException>(() =>
        {
            for (rows.Seek(""u8); rows.IsValid; rows.MoveNext())
            {
                Assert.Equal(ValueOf(rows.Key), Encoding.UTF8.GetString(rows.Value));
            }
        });

        Assert.Equal(file, found.File);
    }

    [Fact]
    public void CheckBackground_after_a_compaction_that_met_damage_tells_of_it()
    {
        MakeStore();
        FlipInBlocks();
        using RocksKvStore store = Open();
        store.CheckBackground();

        // The compaction itself fails where nobody waits for it.
        store.CompactPiece(long.MaxValue);

        StoreCorruptException found = Assert.Throws<StoreCorruptException>(store.CheckBackground);
        Assert.EndsWith(".sst", found.File, StringComparison.Ordinal);
    }

    [Fact]
    public void Advance_of_a_sound_store_reads_all_files_and_finds_nothing()
    {
        MakeStore();
        using RocksKvStore store = Open();
        using IStoreScrub scrub = store.BeginScrub(SystemFiles.Instance);

        long read = 0;
        while (scrub.Advance(10_000) is int more and > 0)
        {
            read += more;
        }

        Assert.Equal(0, scrub.UncheckedFiles);
        Assert.True(scrub.SizeBytes > 50_000);
        Assert.Equal(scrub.SizeBytes, read);
    }

    /// <summary>Anywhere: also where no cursor ever looks, such as the footer and the filters.</summary>
    [Fact]
    public void Advance_finds_one_changed_bit_anywhere_in_a_file()
    {
        MakeStore();
        string file = LargestTable();
        byte[] sound = File.ReadAllBytes(file);
        for (int i = 1; i < 20; i++)
        {
            int place = (int)((long)sound.Length * i / 20);
            using RocksKvStore store = Open();
            byte[] flipped = [.. sound];
            flipped[place] ^= (byte)(1 << (i % 8));
            File.WriteAllBytes(file, flipped);

            StoreCorruptException found = Assert.Throws<StoreCorruptException>(() => ScrubAll(store));

            Assert.Equal(System.IO.Path.GetFileName(file), found.File);
            File.WriteAllBytes(file, sound);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Advance_file_that_is_cut_short_or_missing_is_named(bool isMissing)
    {
        MakeStore();
        using RocksKvStore store = Open();
        string file = LargestTable();
        if (isMissing)
        {
            File.Delete(file);
        }
        else
        {
            File.WriteAllBytes(file, File.ReadAllBytes(file)[..^100]);
        }

        StoreCorruptException found = Assert.Throws<StoreCorruptException>(() => ScrubAll(store));

        Assert.Equal(System.IO.Path.GetFileName(file), found.File);
    }

    [Fact]
    public void Advance_file_that_a_compaction_has_replaced_meanwhile_is_no_damage()
    {
        MakeStore();
        using RocksKvStore store = Open();
        using IStoreScrub scrub = store.BeginScrub(SystemFiles.Instance);
        Fill(store, 2);
        store.Flush();
        store.RaiseOldestReadable(new CommitVersion(2));
        while (store.CompactPiece(long.MaxValue))
        {
        }

        while (scrub.Advance(4_096) > 0)
        {
        }
    }

    [Theory]
    [InlineData("*.sst", true)]
    [InlineData("MANIFEST-*", false)]
    public void Open_store_that_lacks_a_file_or_whose_manifest_is_damaged_is_corrupt(string pattern, bool isDeleted)
    {
        MakeStore();
        string file = Directory.GetFiles(Path, pattern).Order(StringComparer.Ordinal).Last();
        if (isDeleted)
        {
            File.Delete(file);
        }
        else
        {
            byte[] content = File.ReadAllBytes(file);
            content[content.Length / 3] ^= 4;
            File.WriteAllBytes(file, content);
        }

        Assert.Throws<StoreCorruptException>(Open);
    }

    private static void ScrubAll(RocksKvStore store)
    {
        using IStoreScrub scrub = store.BeginScrub(SystemFiles.Instance);
        while (scrub.Advance(64 * 1024) > 0)
        {
        }
    }

    private static void ReadAll(GuardedKvStore store)
    {
        var buffer = new ValueBuffer(stackalloc byte[256]);
        for (int i = 0; i < Keys; i++)
        {
            byte[] key = KeyOf(i);
            Assert.True(store.TryGetNewest(key, ref buffer));
            Assert.Equal(ValueOf(key), Encoding.UTF8.GetString(buffer.Value));
        }

        buffer.Dispose();
    }

    private static byte[] KeyOf(int number) =>
        Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"key/{number:D6}"));

    private static string ValueOf(ReadOnlySpan<byte> key) =>
        $"the value of {Encoding.UTF8.GetString(key)}, {Convert.ToHexString(SHA256.HashData(key))}";

    private static void Fill(RocksKvStore store, long version)
    {
        using IKvBatch batch = store.CreateBatch();
        for (int i = 0; i < Keys; i++)
        {
            byte[] key = KeyOf(i);
            batch.PutVersion(key, new CommitVersion(version), Encoding.UTF8.GetBytes(ValueOf(key)));
        }

        batch.Put(KvTable.Meta, "count"u8, "1"u8);
        store.Write(batch);
    }

    private RocksKvStore Open() => RocksKvStore.Open(Path, new StoreOptions());

    private void MakeStore()
    {
        using RocksKvStore store = Open();
        Fill(store, 1);
        store.Flush();
    }

    private string LargestTable() => Directory.GetFiles(Path, "*.sst").MaxBy(file => new FileInfo(file).Length)!;

    /// <summary>Turns one bit around in the middle of the largest file, and says which that is.</summary>
    private string FlipInBlocks()
    {
        string file = LargestTable();
        byte[] content = File.ReadAllBytes(file);
        content[content.Length / 2] ^= 16;
        File.WriteAllBytes(file, content);
        return System.IO.Path.GetFileName(file);
    }
}

using System.Globalization;
using System.Text;
using KvCloud.Node.State;

namespace KvCloud.Tests.Node.State;

public sealed class RecordCacheTests
{
    [Fact]
    public void Get_finds_the_newest_record_whatever_its_size()
    {
        var cache = new RecordCache(64 * 1024);
        foreach (string record in (string[])["one", "two", "three", ""])
        {
            Put(cache, "key", record);
            Assert.Equal(record, Get(cache, "key"));
        }

        Assert.Null(Get(cache, "other"));
    }

    [Fact]
    public void Keys_of_the_same_hash_are_not_mixed_up()
    {
        var cache = new RecordCache(64 * 1024);
        foreach (string key in (string[])["a", "b", "c"])
        {
            cache.Put(42, Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes("of " + key));
        }

        Assert.True(cache.TryGet(42, "c"u8, out ReadOnlySpan<byte> newest));
        Assert.Equal("of c", Encoding.UTF8.GetString(newest));
        Assert.False(cache.TryGet(42, "a"u8, out _));
    }

    [Fact]
    public void What_is_larger_than_a_part_of_it_is_not_kept_and_no_older_record_in_its_place()
    {
        var cache = new RecordCache(64 * 1024);
        Put(cache, "key", "small");
        Put(cache, "key", new string('x', 2048));

        Assert.Null(Get(cache, "key"));
    }

    [Fact]
    public void Cache_of_nothing_holds_nothing()
    {
        var cache = new RecordCache(0);
        Put(cache, "key", "record");

        Assert.Null(Get(cache, "key"));
    }

    [Theory]
    [InlineData(1, 16 * 1024, 300)]
    [InlineData(2, 16 * 1024, 300)]
    [InlineData(3, 20_000, 300)]
    [InlineData(4, 3 * 1024 * 1024, 60_000)]
    public void Whatever_is_found_is_what_was_put_last(int seed, int sizeBytes, int largestRecord)
    {
        var cache = new RecordCache(sizeBytes);
        var random = new Random(seed);
        var model = new Dictionary<string, string>();
        int found = 0;
        for (int step = 0; step < 20_000; step++)
        {
            string key = "k" + random.Next(200).ToString(CultureInfo.InvariantCulture);
            if (random.Next(2) == 0)
            {
                model[key] = new string((char)('a' + random.Next(26)), random.Next(largestRecord));
                Put(cache, key, model[key]);
            }
            else if (Get(cache, key) is string record)
            {
                found++;
                Assert.Equal(model[key], record);
            }
        }

        Assert.True(found > 1_000, $"only {found} were found");
    }

    private static void Put(RecordCache cache, string key, string record) =>
        cache.Put(Hash(key), Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(record));

    private static string? Get(RecordCache cache, string key) =>
        cache.TryGet(Hash(key), Encoding.UTF8.GetBytes(key), out ReadOnlySpan<byte> record)
            ? Encoding.UTF8.GetString(record)
            : null;

    private static ulong Hash(string key) => WriteOverlay.HashOf(Encoding.UTF8.GetBytes(key));
}

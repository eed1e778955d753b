using System.Globalization;
using System.Text;
using KvCloud.Node.Operations;
using KvCloud.Node.Storage;

namespace KvCloud.Tests.Node.Storage;

/// <summary>What every store promises of versions, asked of each.</summary>
public sealed class KvStoreVersionTests : StoreTests
{
    [Theory]
    [MemberData(nameof(Stores))]
    public void TryGetAt_a_version_sees_what_held_then(string kind)
    {
        using IKvStore store = Open(kind);
        Write(store, batch => batch.PutVersion("a"u8, V(2), "two"u8));
        Write(store, batch =>
        {
            batch.PutVersion("a"u8, V(4), "overwritten"u8);
            batch.PutVersion("a"u8, V(4), "four"u8);
            batch.DeleteVersion("a"u8, V(6));
            batch.PutVersion("a"u8, V(8), ""u8);
        });
        Write(store, batch =>
        {
            batch.PutVersion("a"u8, V(9), "undone"u8);
            batch.DeleteVersion("a"u8, V(9));
            batch.DeleteVersion("never"u8, V(9));
        });

        for (int round = 0; round < 2; round++)
        {
            Assert.Equal(
                [null, null, "two", "two", "four", "four", null, null, "", null, null],
                Enumerable.Range(0, 11).Select(version => GetAt(store, "a", version)));
            Assert.Null(GetNewest(store, "a"));
            Assert.Null(GetNewest(store, "never"));
            store.Flush();
        }

        Write(store, batch => batch.PutVersion("a"u8, V(11), "eleven"u8));
        Assert.Equal("eleven", GetNewest(store, "a"));
        Assert.Equal("", GetAt(store, "a", 8));
    }

    [Theory]
    [MemberData(nameof(Stores))]
    public void IterateNewest_keys_that_begin_alike_do_not_hide_one_another(string kind)
    {
        using IKvStore store = Open(kind);
        byte[][] keys =
            [[], [0], [0, 0], [0, 0, 0, 0, 0, 0, 0, 0], [1], [255], [255, 255, 255, 255, 255, 255, 255, 255]];
        foreach ((int i, byte[] key) in keys.Index())
        {
            Write(store, batch => batch.PutVersion(key, V(i + 1), [(byte)i]));
        }

        store.Flush();
        using IKvIterator all = store.IterateNewest();
        all.Seek([]);
        foreach ((int i, byte[] key) in keys.Index())
        {
            Assert.Equal(key, all.Key.ToArray());
            Assert.Equal([(byte)i], all.Value.ToArray());
            all.MoveNext();
        }

        Assert.False(all.IsValid);
    }

    [Theory]
    [MemberData(nameof(Stores))]
    public void TryGetAt_of_a_value_larger_than_the_scratch_brings_it_whole(string kind)
    {
        using IKvStore store = Open(kind);
        byte[] large = [.. Enumerable.Range(0, 100_000).Select(i => (byte)i)];
        Write(store, batch => batch.PutVersion("a"u8, V(1), large));

        var buffer = new ValueBuffer(stackalloc byte[16]);
        Assert.True(store.TryGetAt("a"u8, V(1), ref buffer));
        Assert.True(buffer.Value.SequenceEqual(large));
        buffer.Dispose();
    }

    [Theory]
    [MemberData(nameof(Stores))]
    public void RaiseOldestReadable_over_versions_refuses_what_is_forgotten_and_the_rest_stays(string kind)
    {
        using IKvStore store = Open(kind);
        Write(store, batch =>
        {
            batch.PutVersion("a"u8, V(1), "one"u8);
            batch.PutVersion("b"u8, V(1), "one"u8);
        });
        Write(store, batch => batch.PutVersion("a"u8, V(5), "five"u8));
        using IKvIterator before = store.IterateAt(V(2));
        store.Flush();
        store.RaiseOldestReadable(V(4));
        store.RaiseOldestReadable(V(4));
        store.RaiseOldestReadable(V(3));
        Write(store, batch => batch.PutVersion("a"u8, V(6), "six"u8));
        store.Flush();

        Assert.Throws<VersionTooOldException>(() => GetAt(store, "a", 3));
        Assert.Throws<VersionTooOldException>(() => store.IterateAt(V(3)));
        Assert.Equal(["one", "five", "six"], ((int[])[4, 5, 6]).Select(version => GetAt(store, "a", version)));
        Assert.Equal("one", GetAt(store, "b", 4));

        Assert.True(before.Seek("a"u8));
        Assert.Equal("one", Encoding.UTF8.GetString(before.Value));
    }

    [Theory]
    [MemberData(nameof(Stores))]
    public void IKvStore_random_writes_reads_flushes_and_forgetting_match_a_model(string kind)
    {
        for (int seed = 0; seed < (kind == "memory" ? 20 : 4); seed++)
        {
            RunModel(kind, seed);
        }
    }

    [Fact]
    public void RaiseOldestReadable_stays_when_a_crash_undoes_what_came_later()
    {
        using (IKvStore store = Open("rocks"))
        {
            Write(store, batch => batch.PutVersion("a"u8, V(1), "one"u8));
            Write(store, batch => batch.PutVersion("a"u8, V(5), "five"u8));
            store.Flush();
            store.RaiseOldestReadable(V(3));
            Write(store, batch => batch.PutVersion("a"u8, V(9), "nine"u8));
        }

        using IKvStore reopened = Open("rocks");
        Assert.Equal("five", GetNewest(reopened, "a"));
        Assert.Equal("one", GetAt(reopened, "a", 3));
        Assert.Throws<VersionTooOldException>(() => GetAt(reopened, "a", 2));
        reopened.RaiseOldestReadable(V(3));
        reopened.RaiseOldestReadable(V(4));
    }

    private void RunModel(string kind, int seed)
    {
        var random = new Random(seed);
        var options = new StoreOptions
        {
            WriteBufferSizeBytes = 64 * 1024,
            MemtableLimitBytes = 0,
            TargetFileSizeBytes = 32 * 1024
        };
        using IKvStore store = kind == "memory" ? new MemoryKvStore() : RocksKvStore.Open(
            Temporary.Sub($"model{seed}"), options);
        var versions = new List<SortedDictionary<string, string>> { new(StringComparer.Ordinal) };
        int oldest = 0;
        for (int round = 0; round < 60; round++)
        {
            Write(store, batch =>
            {
                for (int i = 0; i < 40; i++)
                {
                    var next = new SortedDictionary<string, string>(versions[^1], StringComparer.Ordinal);
                    string key = random.Next(60).ToString(CultureInfo.InvariantCulture);
                    if (random.Next(4) == 0)
                    {
                        next.Remove(key);
                        batch.DeleteVersion(Encoding.UTF8.GetBytes(key), V(versions.Count));
                    }
                    else
                    {
                        next[key] = new string((char)('a' + random.Next(26)), random.Next(400));
                        batch.PutVersion(
                            Encoding.UTF8.GetBytes(key), V(versions.Count), Encoding.UTF8.GetBytes(next[key]));
                    }

                    versions.Add(next);
                }
            });
            if (random.Next(3) == 0)
            {
                store.Flush();
                oldest = random.Next(oldest, versions.Count);
                store.RaiseOldestReadable(V(oldest));
            }

            for (int i = 0; i < 20; i++)
            {
                int at = random.Next(oldest, versions.Count);
                string key = random.Next(60).ToString(CultureInfo.InvariantCulture);
                Assert.Equal(versions[at].GetValueOrDefault(key), GetAt(store, key, at));
            }

            Compare(versions[^1], store.IterateNewest());
            int from = random.Next(oldest, versions.Count);
            Compare(versions[from], store.IterateAt(V(from)));
        }
    }

    private static void Compare(SortedDictionary<string, string> expected, IKvIterator found)
    {
        using (found)
        {
            var forward = new List<KeyValuePair<string, string>>();
            for (found.Seek([]); found.IsValid; found.MoveNext())
            {
                forward.Add(new(Encoding.UTF8.GetString(found.Key), Encoding.UTF8.GetString(found.Value)));
            }

            Assert.Equal(expected, forward);
            int backward = 0;
            for (found.SeekBefore([0xFF]); found.IsValid; found.MovePrevious())
            {
                backward++;
                Assert.Equal(forward[^backward].Key, Encoding.UTF8.GetString(found.Key));
                Assert.Equal(forward[^backward].Value, Encoding.UTF8.GetString(found.Value));
            }

            Assert.Equal(forward.Count, backward);
        }
    }

    private static CommitVersion V(long version) => new(version);

    private static string? GetNewest(IKvStore store, string key)
    {
        var buffer = new ValueBuffer(stackalloc byte[64]);
        string? value = store.TryGetNewest(Encoding.UTF8.GetBytes(key), ref buffer)
            ? Encoding.UTF8.GetString(buffer.Value)
            : null;
        buffer.Dispose();
        return value;
    }

    private static string? GetAt(IKvStore store, string key, long at)
    {
        var buffer = new ValueBuffer(stackalloc byte[64]);
        string? value = store.TryGetAt(Encoding.UTF8.GetBytes(key), V(at), ref buffer)
            ? Encoding.UTF8.GetString(buffer.Value)
            : null;
        buffer.Dispose();
        return value;
    }
}

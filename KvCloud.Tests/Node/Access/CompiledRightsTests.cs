using System.Text;
using KvCloud.Node.Access;

namespace KvCloud.Tests.Node.Access;

/// <summary>What grants add up to, by column family and key prefix.</summary>
public sealed class CompiledRightsTests
{
    [Theory]
    [InlineData("a/", true)]
    [InlineData("a/1", true)]
    [InlineData("a", false)]
    [InlineData("a0", false)]
    [InlineData("b/x", true)]
    [InlineData("b", false)]
    [InlineData("c", false)]
    [InlineData("", false)]
    public void Has_key_that_begins_with_a_granted_prefix_and_no_other(string key, bool expected)
    {
        CompiledRights rights = Of(Read("default", "b/"), Read("default", "a/"), Read("default", "a/1"));

        Assert.Equal(expected, rights.Has(KvRights.Read, (string?)null, Bytes(key)));
        Assert.Equal(expected, rights.Has(KvRights.Read, ""u8, Bytes(key)));
        Assert.Equal(expected, rights.Has(KvRights.Read, "default"u8, Bytes(key)));
        Assert.False(rights.Has(KvRights.Write, (string?)null, Bytes(key)));
        Assert.False(rights.Has(KvRights.Read, "other", Bytes(key)));
    }

    [Fact]
    public void Has_admin_of_a_prefix_reads_and_writes_there_and_administers_nothing_else()
    {
        CompiledRights rights = Of(new Grant(KvRights.Admin, Grant.Everywhere, Bytes("t/")));

        Assert.True(rights.Has(KvRights.Read, "any", Bytes("t/1")));
        Assert.True(rights.Has(KvRights.Write, "any"u8, Bytes("t/1")));
        Assert.False(rights.HasAll(KvRights.Admin));
        Assert.False(rights.HasFamily(KvRights.Admin, "any"));
        Assert.True(Of(new Grant(KvRights.Admin, "cf", default)).HasFamily(KvRights.Admin, "cf"));
        Assert.True(CompiledRights.All.HasAll(KvRights.Admin));
    }

    [Theory]
    [InlineData("a/", "a0", false, true)]
    [InlineData("a/", "a0", true, false)]
    [InlineData("a/", "a00", false, false)]
    [InlineData("a/", "a/9", true, true)]
    [InlineData("a/5", "a/1", false, true)]
    [InlineData("a", "a0", false, false)]
    [InlineData("a/", "b", false, false)]
    [InlineData("a/", null, false, false)]
    public void HasRange_range_within_one_prefix_and_no_other(
        string begin, string? end, bool isEndInclusive, bool expected)
    {
        CompiledRights rights = Of(Read("default", "a/"));

        Assert.Equal(
            expected,
            rights.HasRange(KvRights.Read, null, Bytes(begin), Bytes(end ?? ""), end is not null, isEndInclusive));
        Assert.True(Of(Read("default", "")).HasRange(
            KvRights.Read, null, Bytes(begin), Bytes(end ?? ""), end is not null, isEndInclusive));
    }

    [Fact]
    public void HasRange_prefix_that_ends_in_its_last_byte_ends_where_its_keys_do()
    {
        CompiledRights rights = Of(new Grant(KvRights.Read, "default", new byte[] { 1, 255 }));

        Assert.True(rights.HasRange(KvRights.Read, null, [1, 255, 3], [2], hasEnd: true, isEndInclusive: false));
        Assert.False(rights.HasRange(KvRights.Read, null, [1, 255, 3], [2, 0], hasEnd: true, isEndInclusive: false));
        Assert.False(Of(new Grant(KvRights.Read, "default", new byte[] { 255 }))
            .HasRange(KvRights.Read, null, [255], [255], hasEnd: false, isEndInclusive: false));
    }

    /// <summary>Any range that is allowed has only keys that are allowed, each by itself.</summary>
    [Fact]
    public void HasRange_allows_no_range_with_a_key_that_Has_does_not()
    {
        var random = new Random(14);
        int allowed = 0;
        for (int round = 0; round < 20_000; round++)
        {
            CompiledRights rights = Of(new Grant(KvRights.Read, "default", Key(random)));
            byte[] begin = Key(random);
            byte[] end = Key(random);
            bool isInclusive = random.Next(2) == 0;
            if (!rights.HasRange(KvRights.Read, null, begin, end, hasEnd: true, isInclusive))
            {
                continue;
            }

            allowed++;
            for (int tries = 0; tries < 20; tries++)
            {
                byte[] key = Key(random);
                int toEnd = key.AsSpan().SequenceCompareTo(end);
                if (key.AsSpan().SequenceCompareTo(begin) >= 0 && (toEnd < 0 || (isInclusive && toEnd == 0)))
                {
                    Assert.True(
                        rights.Has(KvRights.Read, (string?)null, key),
                        $"{Convert.ToHexString(begin)}..{Convert.ToHexString(end)}: {Convert.ToHexString(key)}");
                }
            }
        }

        Assert.InRange(allowed, 1_000, 19_000);
    }

    private static byte[] Key(Random random)
    {
        byte[] alphabet = [0, 1, 254, 255];
        byte[] key = new byte[random.Next(1, 4)];
        for (int i = 0; i < key.Length; i++)
        {
            key[i] = alphabet[random.Next(alphabet.Length)];
        }

        return key;
    }

    private static CompiledRights Of(params Grant[] grants) => new(grants);

    private static Grant Read(string family, string prefix) => new(KvRights.Read, family, Bytes(prefix));

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}

using System.Text;
using KvCloud.Bench;
using KvCloud.Bench.Load;

namespace KvCloud.Tests.Bench;

public sealed class KeyChooserTests
{
    private const int Draws = 200_000;

    [Fact]
    public void ZipfSampler_ranks_fall_off_as_their_power()
    {
        const double Theta = 0.99;
        const int Count = 1000;
        var sampler = new ZipfSampler(Count, Theta);
        var random = new SeededRandom(42);
        int[] hits = new int[Count];
        for (int i = 0; i < Draws; i++)
        {
            hits[sampler.Next(random)]++;
        }

        double zeta = Enumerable.Range(1, Count).Sum(i => Math.Pow(i, -Theta));
        Assert.Equal(1 / zeta, hits[0] / (double)Draws, 0.01);
        Assert.Equal(Math.Pow(2, -Theta) / zeta, hits[1] / (double)Draws, 0.01);

        // Gray's method is exact for the first two ranks and close for groups of the others.
        double tenth = Enumerable.Range(1, 100).Sum(i => Math.Pow(i, -Theta)) / zeta;
        Assert.Equal(tenth, hits.Take(100).Sum() / (double)Draws, 0.03);
        Assert.True(hits.Skip(Count - 100).Sum() > 0, "the last ranks were never drawn");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void ZipfSampler_of_few_keys_stays_among_them(long count)
    {
        var sampler = new ZipfSampler(count, 0.5);
        var random = new SeededRandom(1);
        var drawn = Enumerable.Range(0, 1000).Select(_ => sampler.Next(random)).ToHashSet();

        Assert.Equal(Enumerable.Range(0, (int)count).Select(i => (long)i), drawn.Order());
    }

    [Fact]
    public void ZipfSampler_of_a_wrong_theta_names_the_option()
    {
        BenchException failure = Assert.Throws<BenchException>(() => new ZipfSampler(10, 1));
        Assert.Contains("--theta", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(KeyDistribution.Uniform)]
    [InlineData(KeyDistribution.Zipf)]
    [InlineData(KeyDistribution.Latest)]
    [InlineData(KeyDistribution.Sequential)]
    internal void Next_of_any_distribution_names_a_key_that_is_there(KeyDistribution distribution)
    {
        var keys = new KeySpace(100, 16);
        var chooser = KeyChooser.Create(distribution, keys, 0.9);
        var random = new SeededRandom(7);
        var drawn = Enumerable.Range(0, 5000).Select(_ => chooser.Next(random)).ToList();

        Assert.All(drawn, key => Assert.InRange(key, 0, 99));
        Assert.True(drawn.Distinct().Count() > 50, "most keys were never drawn");
    }

    [Fact]
    public void Next_of_sequential_keys_walks_every_key_once_a_round()
    {
        var keys = new KeySpace(5, 16);
        var chooser = KeyChooser.Create(KeyDistribution.Sequential, keys, 0.9);
        var random = new SeededRandom(7);

        Assert.Equal([0, 1, 2, 3, 4, 0, 1], Enumerable.Range(0, 7).Select(_ => chooser.Next(random)));
    }

    [Fact]
    public void Next_of_latest_keys_follows_the_inserts()
    {
        var keys = new KeySpace(1000, 16);
        var chooser = KeyChooser.Create(KeyDistribution.Latest, keys, 0.99);
        var random = new SeededRandom(3);
        for (int i = 0; i < 500; i++)
        {
            keys.TakeNew();
        }

        var drawn = Enumerable.Range(0, 1000).Select(_ => chooser.Next(random)).ToList();
        Assert.Equal(1499, drawn.GroupBy(key => key).MaxBy(group => group.Count())!.Key);
    }

    [Fact]
    public void Write_of_a_key_keeps_number_order()
    {
        var keys = new KeySpace(1000, 16);
        string Text(long number)
        {
            byte[] key = new byte[16];
            keys.Write(number, key);
            return Encoding.ASCII.GetString(key);
        }

        Assert.Equal("k000000000000042", Text(42));
        Assert.True(string.CompareOrdinal(Text(9), Text(10)) < 0);
    }

    [Fact]
    public void SeededRandom_of_the_same_seed_is_the_same()
    {
        var first = new SeededRandom(5);
        var second = new SeededRandom(5);

        Assert.Equal(
            Enumerable.Range(0, 100).Select(_ => first.NextBelow(10)), Enumerable.Range(0, 100).Select(
                _ => second.NextBelow(10)));
    }

    [Fact]
    public void Parse_of_a_mix_draws_its_parts_by_weight()
    {
        var mix = OperationMix.Parse("set:25, get_local:75");
        var random = new SeededRandom(9);
        int sets = Enumerable.Range(0, Draws).Count(_ => mix.Next(random) == OperationKind.Set);

        Assert.Equal(0.25, sets / (double)Draws, 0.01);
        Assert.True(mix.NeedsLeader);
    }

    [Theory]
    [InlineData("put:1", "put")]
    [InlineData("set:0", "set:0")]
    [InlineData("set:x", "set:x")]
    [InlineData("", "empty")]
    public void Parse_of_a_mix_that_is_wrong_is_refused_by_name(string text, string named)
    {
        BenchException failure = Assert.Throws<BenchException>(() => OperationMix.Parse(text));
        Assert.Contains(named, failure.Message, StringComparison.Ordinal);
    }
}

using System.Text;
using KvCloud.Node.History;
using Microsoft.Extensions.Time.Testing;

namespace KvCloud.Tests.Node.History;

public sealed class KeyHeatTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    [Fact]
    public void IsDue_samples_one_call_in_so_many_and_not_always_the_same_of_a_loop()
    {
        const int Calls = 640_000;
        int[] ofEach = new int[2];
        for (int call = 0; call < Calls; call++)
        {
            if (KeyHeat.IsDue())
            {
                ofEach[call % 2]++;
            }
        }

        // The standard deviation of each is about fifty.
        Assert.All(ofEach, count => Assert.InRange(count, 4_500, 5_500));
    }

    [Fact]
    public void Windows_have_no_gaps_and_forget_what_is_old()
    {
        var heat = new KeyHeat(_time);
        heat.Add([Key("a")], isWrite: false);
        _time.Advance(TimeSpan.FromSeconds(3 * KeyHeat.WindowSeconds));
        heat.Add([Key("b")], isWrite: true);

        Assert.Equal([1, 0, 0, 1], heat.Windows().Select(window => window.Samples.Count));

        _time.Advance(TimeSpan.FromSeconds((KeyHeat.MaxWindows - 1) * KeyHeat.WindowSeconds));
        Assert.Equal(KeyHeat.MaxWindows, heat.Windows().Count);
        Assert.Equal(1, heat.Windows().Sum(window => window.Samples.Count));

        _time.Advance(TimeSpan.FromDays(1));
        Assert.Empty(Assert.Single(heat.Windows()).Samples);
    }

    [Fact]
    public void Add_of_more_than_a_window_keeps_is_a_fair_sample_with_its_weight()
    {
        var heat = new KeyHeat(_time);
        for (int call = 0; call < 10 * HeatWindow.MaxSamples; call++)
        {
            heat.Add([Key(call % 2 == 0 ? "even" : "odd")], isWrite: false);
        }

        HeatWindow window = Assert.Single(heat.Windows());

        Assert.Equal(HeatWindow.MaxSamples, window.Samples.Count);
        Assert.Equal(10, window.Weight);
        Assert.InRange(window.Samples.Count(sample => sample.Key.Length == "even".Length), 180, 332);
    }

    [Fact]
    public void Add_of_a_long_key_and_of_many_keys_keeps_what_the_limits_allow()
    {
        var heat = new KeyHeat(_time);
        heat.Add(Enumerable.Repeat(Key(new string('x', 1_000)), 1_000), isWrite: true);

        HeatWindow window = Assert.Single(heat.Windows());

        Assert.Equal(KeyHeat.MaxKeysOfCall, window.Samples.Count);
        Assert.All(window.Samples, sample => Assert.Equal(KeyHeat.MaxKeyBytes, sample.Key.Length));
    }

    private static CallKey Key(string text) => new(null, Encoding.UTF8.GetBytes(text));
}

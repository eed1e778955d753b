using System.Diagnostics;
using System.Text;
using KvCloud.Node.Telemetry;
using Microsoft.Extensions.Time.Testing;

namespace KvCloud.Tests.Node.Telemetry;

public sealed class TraceParentTests
{
    private const string Valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    [Fact]
    public void TryParse_text_of_the_standard_gives_its_parts()
    {
        Assert.True(TraceParent.TryParse(Encoding.ASCII.GetBytes(Valid), out ActivityContext context));

        Assert.Equal("4bf92f3577b34da6a3ce929d0e0e4736", context.TraceId.ToHexString());
        Assert.Equal("00f067aa0ba902b7", context.SpanId.ToHexString());
        Assert.Equal(ActivityTraceFlags.Recorded, context.TraceFlags);
        Assert.True(context.IsRemote);
    }

    [Theory]
    [InlineData("")]
    [InlineData("00")]
    [InlineData("4bf92f3577b34da6a3ce929d0e0e4736")]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0")]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-")]
    [InlineData("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01")]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01")]
    [InlineData("00-00000000000000000000000000000000-00f067aa0ba902b7-01")]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01")]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-zz")]
    [InlineData("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]
    [InlineData("00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01")]
    public void TryParse_anything_else_gives_none(string text) =>
        Assert.False(TraceParent.TryParse(Encoding.ASCII.GetBytes(text), out _));

    [Fact]
    public void TryParse_any_damage_of_a_byte_never_throws()
    {
        var random = new Random(11);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] text = Encoding.ASCII.GetBytes(Valid);
            for (int changes = random.Next(1, 5); changes > 0; changes--)
            {
                text[random.Next(text.Length)] = (byte)random.Next(256);
            }

            if (TraceParent.TryParse(text, out ActivityContext context))
            {
                Assert.True(TraceParent.IsValid(in context));
            }
        }
    }

    [Fact]
    public void Read_gives_what_was_written()
    {
        var context = new ActivityContext(
            ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded, isRemote: true);
        byte[] bytes = new byte[TraceParent.SizeBytes];

        TraceParent.Write(in context, bytes);
        Assert.Equal(context, TraceParent.Read(bytes));

        TraceParent.Write(default, bytes);
        Assert.False(TraceParent.IsValid(TraceParent.Read(bytes)));
    }

    [Fact]
    public void TryTake_gives_so_many_a_second_and_no_more()
    {
        var time = new FakeTimeProvider();
        var limiter = new RootTraceLimiter(maxPerSecond: 3, time);

        Assert.Equal(3, Enumerable.Range(0, 10).Count(_ => limiter.TryTake()));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(3, Enumerable.Range(0, 10).Count(_ => limiter.TryTake()));
        Assert.False(new RootTraceLimiter(maxPerSecond: 0, time).TryTake());
    }
}

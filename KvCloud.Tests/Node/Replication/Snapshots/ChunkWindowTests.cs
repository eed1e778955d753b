using KvCloud.Node.Replication.Snapshots;

namespace KvCloud.Tests.Node.Replication.Snapshots;

public sealed class ChunkWindowTests
{
    [Fact]
    public void TryTake_chunks_in_any_order_and_more_than_once_make_the_whole()
    {
        var window = new ChunkWindow(lengthBytes: 25, chunkBytes: 10, maxInFlight: 2, resendMs: 100);
        Assert.Equal([0, 10], Ask(window, nowMs: 0));
        Assert.False(window.TryTake(20, 5));
        Assert.False(window.TryTake(10, 9));
        Assert.True(window.TryTake(10, 10));
        Assert.False(window.TryTake(10, 10));
        Assert.Equal([20], Ask(window, nowMs: 0));
        Assert.True(window.TryTake(20, 5));
        Assert.False(window.IsComplete);
        Assert.True(window.TryTake(0, 10));
        Assert.True(window.IsComplete);
    }

    [Fact]
    public void NextDue_what_does_not_come_is_asked_for_again()
    {
        var window = new ChunkWindow(25, 10, 2, 100);
        Ask(window, nowMs: 0);
        Assert.True(window.TryTake(0, 10));
        Assert.Equal([20], Ask(window, nowMs: 50));
        Assert.Equal([10], Ask(window, nowMs: 100));
        Assert.Equal([20], Ask(window, nowMs: 150));
    }

    [Fact]
    public void IsComplete_of_an_empty_file_at_once() => Assert.True(new ChunkWindow(0, 10, 2, 100).IsComplete);

    private static List<long> Ask(ChunkWindow window, long nowMs)
    {
        var asked = new List<long>();
        while (window.NextDue(nowMs) is long offset)
        {
            window.NoteAsked(offset, nowMs);
            asked.Add(offset);
        }

        return asked;
    }
}

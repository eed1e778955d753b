using KvCloud.Node.Transport;

namespace KvCloud.Tests.Node.Transport;

public sealed class ReceiveBufferTests
{
    private const int InitialBytes = 1_000;
    private const int LargeBytes = 10_000;

    [Fact]
    public void Free_buffer_that_grew_is_kept_while_large_frames_follow_and_given_up_afterwards()
    {
        var buffer = new ReceiveBuffer(InitialBytes);
        Fill(buffer, LargeBytes);
        int grown = buffer.Free().Length;
        Assert.True(grown >= LargeBytes);

        for (int i = 0; i < 200; i++)
        {
            Fill(buffer, LargeBytes);
            Assert.Equal(grown, buffer.Free().Length);
        }

        for (int i = 0; i < 100; i++)
        {
            Fill(buffer, 10);
        }

        Assert.Equal(InitialBytes, buffer.Free().Length);
    }

    private static void Fill(ReceiveBuffer buffer, int bytes)
    {
        for (int left = bytes; left > 0;)
        {
            int count = Math.Min(left, buffer.Free().Length);
            buffer.Received(count);
            left -= count;
        }

        Assert.Equal(bytes, buffer.Unread.Length);
        buffer.Consume(bytes);
    }
}

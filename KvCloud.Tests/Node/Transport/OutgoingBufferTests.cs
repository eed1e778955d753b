using KvCloud.Consensus;
using KvCloud.Node.Transport;

namespace KvCloud.Tests.Node.Transport;

public sealed class OutgoingBufferTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Append_and_consume_at_random_give_the_same_stream_and_count_frames(int seed)
    {
        var random = new Random(seed);
        var buffer = new OutgoingBuffer();
        var expected = new MemoryStream();
        var actual = new MemoryStream();
        int appended = 0;
        int finished = 0;
        for (int step = 0; step < 3000; step++)
        {
            if (random.Next(2) == 0)
            {
                int payload = random.Next(50) == 0 ? random.Next(600_000) : random.Next(3000);
                byte[] frame = SampleMessages.Encode(
                    SampleMessages.AcceptOf(new NodeId(1), new NodeId(2), step + 1, payload));
                frame.CopyTo(buffer.Append(frame.Length));
                expected.Write(frame);
                appended++;
            }
            else
            {
                ReadOnlySpan<byte> next = buffer.Peek(startedFrameOnly: random.Next(2) == 0);
                int count = random.Next(next.Length + 1);
                actual.Write(next[..count]);
                finished += count > 0 ? buffer.Consume(count) : 0;
            }

            Assert.Equal(expected.Length - actual.Length, buffer.Bytes);
            Assert.Equal(appended - finished, buffer.Frames);
        }

        while (buffer.Bytes > 0)
        {
            ReadOnlySpan<byte> next = buffer.Peek(startedFrameOnly: false);
            actual.Write(next);
            finished += buffer.Consume(next.Length);
        }

        Assert.Equal(appended, finished);
        Assert.True(expected.ToArray().AsSpan().SequenceEqual(actual.ToArray()));
    }

    [Fact]
    public void Peek_of_a_frame_larger_than_the_drained_chunk_is_not_empty()
    {
        var buffer = new OutgoingBuffer(chunkBytes: 64);
        byte[] small = SampleMessages.Encode(new ReadIndexRequest(new NodeId(1), new NodeId(2), 1));
        small.CopyTo(buffer.Append(small.Length));
        buffer.Consume(buffer.Peek(startedFrameOnly: false).Length);
        byte[] frame = SampleMessages.Encode(SampleMessages.AcceptOf(new NodeId(1), new NodeId(2), 1, 500));
        frame.CopyTo(buffer.Append(frame.Length));

        Assert.Equal(64, buffer.Peek(startedFrameOnly: false).Length);
        for (int left = frame.Length; left > 0;)
        {
            int count = buffer.Peek(startedFrameOnly: false).Length;
            Assert.True(count > 0);
            buffer.Consume(count);
            left -= count;
        }

        Assert.Equal(0, buffer.Frames);
    }

    [Fact]
    public void Peek_started_frame_only_ends_with_the_frame()
    {
        var buffer = new OutgoingBuffer();
        byte[] frame = SampleMessages.Encode(new ReadIndexRequest(new NodeId(1), new NodeId(2), 1));
        frame.CopyTo(buffer.Append(frame.Length));
        frame.CopyTo(buffer.Append(frame.Length));

        Assert.Equal(0, buffer.Consume(5));
        Assert.Equal(frame.Length - 5, buffer.Peek(startedFrameOnly: true).Length);
        Assert.Equal(1, buffer.Consume(frame.Length - 5));
        Assert.Equal(0, buffer.StartedFrameBytes);
        Assert.Equal(1, buffer.Clear());
        Assert.Equal(0, buffer.Bytes);
    }
}

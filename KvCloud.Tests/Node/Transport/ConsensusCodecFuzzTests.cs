using KvCloud.Consensus;
using KvCloud.Node.Transport;

namespace KvCloud.Tests.Node.Transport;

/// <summary>
/// Whatever arrives is decoded or refused by <see cref="MalformedFrameException"/>; any other exception fails the
/// test with the seed in its name.
/// </summary>
public sealed class ConsensusCodecFuzzTests
{
    private const int CasesOfSeed = 2000;
    private const int LimitBytes = 64 * 1024;

    private static readonly NodeId One = new(1);
    private static readonly NodeId Two = new(2);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Decode_flipped_bits_never_gives_another_message(int seed)
    {
        var random = new Random(seed);
        for (int i = 0; i < CasesOfSeed; i++)
        {
            byte[] frame = DrawFrame(random, i);
            int flips = random.Next(1, 4);
            byte[] damaged = [.. frame];
            for (int flip = 0; flip < flips; flip++)
            {
                damaged[random.Next(damaged.Length)] ^= (byte)(1 << random.Next(8));
            }

            // Two flips may undo each other.
            if (!damaged.AsSpan().SequenceEqual(frame))
            {
                Assert.Equal(0, DecodeAll(damaged));
            }
        }
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public void Decode_truncated_stream_gives_the_whole_frames_only(int seed)
    {
        var random = new Random(seed);
        for (int i = 0; i < CasesOfSeed / 4; i++)
        {
            byte[][] frames = [.. Enumerable.Range(0, 3).Select(n => DrawFrame(random, i + n))];
            byte[] stream = [.. frames.SelectMany(frame => frame)];
            int cut = random.Next(stream.Length);
            int whole = 0;
            for (int end = frames[0].Length; whole < 3 && end <= cut; whole++)
            {
                end += whole + 1 < 3 ? frames[whole + 1].Length : 0;
            }

            Assert.Equal(whole, DecodeAll(stream.AsSpan(0, cut)));
        }
    }

    [Theory]
    [InlineData(6)]
    [InlineData(7)]
    public void Decode_random_bytes_are_refused(int seed)
    {
        var random = new Random(seed);
        for (int i = 0; i < CasesOfSeed; i++)
        {
            byte[] noise = new byte[random.Next(1, 300)];
            random.NextBytes(noise);
            if (random.Next(2) == 0)
            {
                noise[0] = Frame.Magic;
            }

            Assert.Equal(0, DecodeAll(noise));
        }
    }

    [Theory]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(10)]
    public void Decode_damaged_payload_under_a_right_checksum_is_refused_or_means_the_same_bytes(int seed)
    {
        var random = new Random(seed);
        int refused = 0;
        for (int i = 0; i < CasesOfSeed; i++)
        {
            byte[] frame = DrawFrame(random, i);
            int keep = random.Next(4) == 0 ? random.Next(frame.Length - Frame.OverheadBytes + 1) : frame.Length;
            byte[] damaged = frame.AsSpan(0, Math.Max(keep, Frame.OverheadBytes)).ToArray();
            for (int edit = 0; edit < 3 && damaged.Length > Frame.OverheadBytes; edit++)
            {
                damaged[random.Next(Frame.HeaderBytes, damaged.Length - Frame.ChecksumBytes)] = (byte)random.Next(256);
            }

            Frame.Seal(damaged, Frame.TypeOf(frame), ConsensusCodec.Version);
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                byte[] again = Frame.TypeOf(damaged) == FrameType.Report
                    ? SampleMessages.Encode(ConsensusCodec.DecodeReport(damaged))
                    : SampleMessages.Encode(ConsensusCodec.DecodeMessage(damaged));
                Assert.Equal(damaged, again);
            }
            catch (MalformedFrameException)
            {
                refused++;
            }

            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 512 * 1024);
        }

        Assert.InRange(refused, 1, CasesOfSeed - 1);
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    public void Decode_damaged_handshake_is_refused(int seed)
    {
        var random = new Random(seed);
        var identity = new PeerIdentity(
            "cluster", 1, 42, "localhost:9091", "localhost:9291", new GroupTerms("0,1,2", 400, 320));
        for (int i = 0; i < CasesOfSeed; i++)
        {
            byte[] frame = Handshake.EncodeHello(identity, expected: 2);
            frame[random.Next(Frame.HeaderBytes, frame.Length - Frame.ChecksumBytes)] ^= (byte)random.Next(1, 256);
            bool isSealed = random.Next(2) == 0;
            if (isSealed)
            {
                Frame.Seal(frame, FrameType.Hello, Handshake.FrameVersion);
            }

            try
            {
                Assert.NotEqual((identity, 2), Read(frame));
                Assert.True(isSealed, "a wrong checksum was not noticed");
            }
            catch (Exception error) when (error is MalformedFrameException or HandshakeRefusedException)
            {
                Assert.NotEmpty(error.Message);
            }
        }
    }

    private static (PeerIdentity Identity, int Expected) Read(byte[] frame)
    {
        Hello hello = Handshake.DecodeHello(frame, PeerRelease.Plain);
        return (hello.Identity, hello.Expected);
    }

    private static byte[] DrawFrame(Random random, int i) => random.Next(SampleMessages.Types + 1) == 0
        ? SampleMessages.Encode(SampleMessages.DrawReport(random, One))
        : SampleMessages.Encode(SampleMessages.Draw(random, i, One, Two));

    /// <summary>
    /// As a connection does it: how many frames are decoded before one is refused or more bytes are needed.
    /// </summary>
    private static int DecodeAll(ReadOnlySpan<byte> stream)
    {
        int decoded = 0;
        try
        {
            while (true)
            {
                int size = Frame.SizeOf(stream, ConsensusCodec.Version, LimitBytes);
                if (size == 0 || size > stream.Length)
                {
                    return decoded;
                }

                ReadOnlySpan<byte> frame = stream[..size];
                _ = Frame.TypeOf(frame) == FrameType.Report
                    ? (object)ConsensusCodec.DecodeReport(frame)
                    : ConsensusCodec.DecodeMessage(frame);
                stream = stream[size..];
                decoded++;
            }
        }
        catch (MalformedFrameException error)
        {
            Assert.NotEmpty(error.Message);
            return decoded;
        }
    }
}

using KvCloud.Node.Operations;

namespace KvCloud.Tests.Node.Operations;

public sealed class CommandResultCodecTests
{
    [Fact]
    public void TryDecode_gives_what_was_encoded_for_every_code()
    {
        foreach (KvStatus code in Enum.GetValues<KvStatus>())
        {
            var result = new CommandResult(code, new CommitVersion(1L << 40), [[1], [], [2, 3]], $"it is {code}: ü");

            Assert.True(
                CommandResultCodec.TryDecode(CommandResultCodec.Encode(result), out CommandResult decoded, out _));

            Assert.Equal(
                (result.Code, result.Version, result.Message), (decoded.Code, decoded.Version, decoded.Message));
            Assert.Equal(result.Generated, decoded.Generated);
        }
    }

    [Fact]
    public void TryDecode_of_a_bare_result_has_neither_message_nor_generated()
    {
        Assert.True(CommandResultCodec.TryDecode(
            CommandResultCodec.Encode(new CommandResult(KvStatus.Ok)), out CommandResult decoded, out _));

        Assert.Equal(new CommandResult(KvStatus.Ok), decoded);
    }

    [Fact]
    public void TryDecode_of_every_truncation_and_of_more_is_refused()
    {
        byte[] encoding =
            CommandResultCodec.Encode(new CommandResult(KvStatus.Ok, new CommitVersion(9), [[1, 2]], "m"));
        for (int length = 0; length < encoding.Length; length++)
        {
            Assert.False(CommandResultCodec.TryDecode(encoding.AsMemory(0, length), out _, out string? error));
            Assert.NotEmpty(error);
        }

        Assert.False(CommandResultCodec.TryDecode((byte[])[.. encoding, 0], out _, out _));
    }

    [Fact]
    public void TryDecode_of_a_count_beyond_the_bytes_is_refused()
    {
        Assert.False(CommandResultCodec.TryDecode(new byte[] { 1, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0x7F }, out _, out _));
    }
}

using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace KvCloud.Node.Operations;

/// <summary>
/// The encoding of a write's outcome between replicas: <c>format(1) code version message generated</c>, in the style of
/// <see cref="CommandCodec"/>. It does not name the leader, because the receiver just got the answer from it.
/// </summary>
internal static class CommandResultCodec
{
    private const byte FormatVersion = 1;

    public static byte[] Encode(in CommandResult result)
    {
        IReadOnlyList<byte[]> generated = result.Generated ?? [];
        int size = 1 + ByteWriter.NumberSize((long)result.Code) + ByteWriter.NumberSize(result.Version.Value)
            + ByteWriter.BytesSize(Encoding.UTF8.GetByteCount(result.Message ?? ""))
            + ByteWriter.NumberSize(generated.Count);
        foreach (byte[] bytes in generated)
        {
            size = checked(size + ByteWriter.BytesSize(bytes.Length));
        }

        byte[] encoding = new byte[size];
        var writer = new ByteWriter(encoding);
        writer.WriteByte(FormatVersion);
        writer.WriteNumber((long)result.Code);
        writer.WriteNumber(result.Version.Value);
        writer.WriteText(result.Message);
        writer.WriteNumber(generated.Count);
        foreach (byte[] bytes in generated)
        {
            writer.WriteBytes(bytes);
        }

        return encoding;
    }

    public static bool TryDecode(
        ReadOnlyMemory<byte> encoding, out CommandResult result, [NotNullWhen(false)] out string? error)
    {
        result = default;
        error = null;
        var reader = new ByteReader(encoding);
        if (!reader.TryReadByte(out byte format) || format != FormatVersion)
        {
            error = $"the result of a forwarded write has format {format}, but this program knows {FormatVersion}";
        }
        else if (!reader.TryReadNumber(out long code) || !Enum.IsDefined((KvStatus)code)
            || !reader.TryReadNumber(out long version)
            || !reader.TryReadBytes(out ReadOnlyMemory<byte> message)
            || ReadGenerated(ref reader) is not { } generated
            || !reader.IsAtEnd)
        {
            error = "the result of a forwarded write is malformed";
        }
        else
        {
            result = new CommandResult(
                (KvStatus)code,
                new CommitVersion(version),
                generated.Length == 0 ? null : generated,
                message.IsEmpty ? null : Encoding.UTF8.GetString(message.Span));
        }

        return error is null;
    }

    private static byte[][]? ReadGenerated(ref ByteReader reader)
    {
        // Each element takes at least one byte. Reject a larger count before allocating for it.
        if (!reader.TryReadNumber(out long count) || count > reader.Remaining)
        {
            return null;
        }

        byte[][] generated = new byte[count][];
        for (int i = 0; i < generated.Length; i++)
        {
            if (!reader.TryReadBytes(out ReadOnlyMemory<byte> bytes))
            {
                return null;
            }

            generated[i] = bytes.ToArray();
        }

        return generated;
    }
}

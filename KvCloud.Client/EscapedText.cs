using System.Buffers;
using System.Globalization;
using System.Text;

namespace KvCloud.Client;

/// <summary>
/// Keys and values as text on one line, and back. In <c>kv</c> and in the console bytes read the same.
/// </summary>
internal static class EscapedText
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>The text if the bytes are valid UTF-8, else null.</summary>
    public static string? ToText(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return Strict.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    /// <summary>
    /// Text in which `\t`, `\n`, `\r`, `\\` and `\xNN` replace bytes that would break a line or field.
    /// </summary>
    public static string Escape(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        while (!bytes.IsEmpty)
        {
            OperationStatus status = Rune.DecodeFromUtf8(bytes, out Rune rune, out int used);
            if (status == OperationStatus.Done && !Rune.IsControl(rune))
            {
                text.Append(rune.Value == '\\' ? "\\\\" : rune.ToString());
            }
            else
            {
                foreach (byte one in bytes[..used])
                {
                    text.Append(EscapeOne(one));
                }
            }

            bytes = bytes[used..];
        }

        return text.ToString();
    }

    /// <summary>Reverses <see cref="Escape"/>.</summary>
    /// <exception cref="FormatException">The text contains an unknown escape.</exception>
    public static byte[] Unescape(ReadOnlySpan<byte> text)
    {
        var bytes = new List<byte>(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\')
            {
                bytes.Add(text[i]);
                continue;
            }

            byte kind = ++i < text.Length ? text[i] : throw new FormatException("it ends in the middle of an escape");
            switch (kind)
            {
                case (byte)'t':
                    bytes.Add((byte)'\t');
                    break;
                case (byte)'n':
                    bytes.Add((byte)'\n');
                    break;
                case (byte)'r':
                    bytes.Add((byte)'\r');
                    break;
                case (byte)'\\':
                    bytes.Add((byte)'\\');
                    break;
                case (byte)'x' when i + 2 < text.Length && byte.TryParse(
                    text.Slice(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value):
                    bytes.Add(value);
                    i += 2;
                    break;
                default:
                    throw new FormatException($"'\\{(char)kind}' is not an escape; use \\t \\n \\r \\\\ \\xNN");
            }
        }

        return [.. bytes];
    }

    private static string EscapeOne(byte value) => value switch
    {
        (byte)'\t' => "\\t",
        (byte)'\n' => "\\n",
        (byte)'\r' => "\\r",
        _ => string.Create(CultureInfo.InvariantCulture, $"\\x{value:x2}"),
    };
}

using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace KvCloud.WebConsole.Data;

/// <summary>Bytes of keys and values as text to read and to edit, and back.</summary>
public static class ValueText
{
    private const int HexBytesPerLine = 32;
    private static readonly UTF8Encoding Strict = new(
        encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>The format in which the bytes read best: JSON, text, else hexadecimal.</summary>
    public static ValueFormat Guess(byte[] bytes)
    {
        if (!TryText(bytes, out string text))
        {
            return ValueFormat.Hex;
        }

        return text.Length > 0 && text.TrimStart() is ['{' or '[', ..] && TryJson(text, out _)
            ? ValueFormat.Json
            : ValueFormat.Text;
    }

    /// <summary>The bytes in this format; in hexadecimal where they are not text.</summary>
    public static string Show(byte[] bytes, ValueFormat format) => format switch
    {
        ValueFormat.Json when TryText(bytes, out string text) && TryJson(text, out string json) => json,
        ValueFormat.Text or ValueFormat.Json when TryText(bytes, out string text) => text,
        _ => Hex(bytes),
    };

    /// <summary>A key on one line: as text with <c>\xNN</c> for what is not printable ASCII or a letter.</summary>
    public static string Key(ReadOnlySpan<byte> key)
    {
        var text = new StringBuilder(key.Length);
        while (!key.IsEmpty)
        {
            bool isRune = Rune.DecodeFromUtf8(key, out Rune rune, out int length) == OperationStatus.Done;
            if (isRune && !Rune.IsControl(rune) && rune.Value != '\\')
            {
                text.Append(rune.ToString());
            }
            else
            {
                foreach (byte one in key[..length])
                {
                    text.Append("\\x").Append(one.ToString("x2", CultureInfo.InvariantCulture));
                }
            }

            key = key[length..];
        }

        return text.ToString();
    }

    /// <summary>Reads a key as <see cref="Key"/> writes it.</summary>
    public static bool TryKey(string text, out byte[] key)
    {
        var bytes = new List<byte>(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\')
            {
                int length = char.IsHighSurrogate(text[i]) && i + 1 < text.Length ? 2 : 1;
                bytes.AddRange(Encoding.UTF8.GetBytes(text.Substring(i, length)));
                i += length - 1;
                continue;
            }

            if (i + 3 >= text.Length || text[i + 1] != 'x'
                || !byte.TryParse(text.AsSpan(i + 2, 2), NumberStyles.HexNumber, null, out byte one))
            {
                key = [];
                return false;
            }

            bytes.Add(one);
            i += 3;
        }

        key = [.. bytes];
        return true;
    }

    /// <summary>Bytes of what somebody typed; a refusal says what is wrong with it.</summary>
    public static bool TryParse(string text, ValueFormat format, out byte[] bytes, out string? refusal)
    {
        refusal = null;
        bytes = [];
        switch (format)
        {
            case ValueFormat.Hex:
                string digits = string.Concat(text.Where(character => !char.IsWhiteSpace(character)));
                try
                {
                    bytes = Convert.FromHexString(digits);
                    return true;
                }
                catch (FormatException error)
                {
                    refusal = $"this is not hexadecimal: {error.Message}";
                    return false;
                }

            case ValueFormat.Json:
                try
                {
                    using var document = JsonDocument.Parse(text);
                }
                catch (JsonException error)
                {
                    refusal = $"this is not JSON: {error.Message}";
                    return false;
                }

                break;
        }

        bytes = Encoding.UTF8.GetBytes(text);
        return true;
    }

    private static string Hex(byte[] bytes) => string.Join(
        '\n',
        bytes.Chunk(HexBytesPerLine).Select(line => string.Join(
            ' ', line.Select(one => one.ToString("x2", CultureInfo.InvariantCulture)))));

    private static bool TryText(byte[] bytes, out string text)
    {
        try
        {
            text = Strict.GetString(bytes);
            return text.All(character => !char.IsControl(character) || character is '\n' or '\r' or '\t');
        }
        catch (DecoderFallbackException)
        {
            text = "";
            return false;
        }
    }

    private static bool TryJson(string text, out string indented)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            indented = JsonSerializer.Serialize(document, Indented);
            return true;
        }
        catch (JsonException)
        {
            indented = "";
            return false;
        }
    }
}

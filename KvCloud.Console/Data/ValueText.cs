using System.Globalization;
using System.Text;
using System.Text.Json;
using KvCloud.Client;

namespace KvCloud.WebConsole.Data;

/// <summary>Bytes of keys and values as text to read and to edit, and back.</summary>
public static class ValueText
{
    private const int HexBytesPerLine = 32;
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

    /// <summary>Reads a key as <see cref="EscapedText"/> writes it; a refusal says what is wrong with it.</summary>
    public static bool TryParseKey(string text, out byte[] key, out string? refusal)
    {
        try
        {
            key = EscapedText.Unescape(Encoding.UTF8.GetBytes(text));
            refusal = null;
            return true;
        }
        catch (FormatException error)
        {
            key = [];
            refusal = $"this is no key: {error.Message}";
            return false;
        }
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
        string? whole = EscapedText.ToText(bytes);
        text = whole ?? "";
        return whole is not null
            && whole.All(character => !char.IsControl(character) || character is '\n' or '\r' or '\t');
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

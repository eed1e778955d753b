using System.Text.Encodings.Web;
using System.Text.Json;
using KvCloud.Client;

namespace KvCloud.Cli.Output;

/// <summary>Prints keys and values in the requested format.</summary>
internal sealed class RowWriter(KvConsole console, ValueFormat format)
{
    private static readonly JsonWriterOptions JsonOptions = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Prints a single value.</summary>
    public async Task ValueAsync(KvEntry entry, CancellationToken cancellationToken)
    {
        switch (format)
        {
            case ValueFormat.Hex:
                console.Out.WriteLine(Convert.ToHexStringLower(entry.Value));
                break;
            case ValueFormat.Json:
                console.Out.WriteLine(Json(entry));
                break;
            default:
                await console.Out.FlushAsync(cancellationToken);
                await console.Output.WriteAsync(entry.Value, cancellationToken);
                if (format == ValueFormat.Text)
                {
                    console.Out.WriteLine();
                }

                break;
        }
    }

    /// <summary>Prints one of several rows: key, tab, value.</summary>
    public async Task RowAsync(KvEntry entry, bool keyOnly, CancellationToken cancellationToken)
    {
        switch (format)
        {
            case ValueFormat.Raw:
                await console.Out.FlushAsync(cancellationToken);
                await console.Output.WriteAsync(entry.Key, cancellationToken);
                if (!keyOnly)
                {
                    await console.Output.WriteAsync("\t"u8.ToArray(), cancellationToken);
                    await console.Output.WriteAsync(entry.Value, cancellationToken);
                }

                await console.Output.WriteAsync("\n"u8.ToArray(), cancellationToken);
                break;
            case ValueFormat.Json:
                console.Out.WriteLine(Json(entry, keyOnly));
                break;
            case ValueFormat.Hex:
                WriteFields(Convert.ToHexStringLower(entry.Key), Convert.ToHexStringLower(entry.Value), keyOnly);
                break;
            default:
                WriteFields(EscapedText.Escape(entry.Key), EscapedText.Escape(entry.Value), keyOnly);
                break;
        }
    }

    /// <summary>Reports a successful write.</summary>
    public void Written(long version) =>
        console.Out.WriteLine(format == ValueFormat.Json ? $"{{\"version\":{version}}}" : $"OK {version}");

    private static string Json(KvEntry entry, bool keyOnly = false) => JsonLine.Write(
        writer =>
        {
            Field(writer, "key", entry.Key);
            if (!keyOnly)
            {
                Field(writer, "value", entry.Value);
            }

            if (entry.Version > 0)
            {
                writer.WriteNumber("version", entry.Version);
            }
        },
        JsonOptions);

    /// <summary>Writes the bytes as text if they are UTF-8, else as base64 under another name.</summary>
    private static void Field(Utf8JsonWriter writer, string name, byte[] bytes)
    {
        if (EscapedText.ToText(bytes) is { } text)
        {
            writer.WriteString(name, text);
        }
        else
        {
            writer.WriteBase64String($"{name}_base64", bytes);
        }
    }

    private void WriteFields(string key, string value, bool keyOnly) =>
        console.Out.WriteLine(keyOnly ? key : $"{key}\t{value}");
}

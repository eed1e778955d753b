using System.Text;
using System.Text.Json;

namespace KvCloud.Cli.Output;

/// <summary>One JSON object on one line.</summary>
internal static class JsonLine
{
    public static string Write(Action<Utf8JsonWriter> fields, JsonWriterOptions options = default)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, options))
        {
            writer.WriteStartObject();
            fields(writer);
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }
}

using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace KvCloud.Backup.Format;

/// <summary>
/// A JSON object <c>{"checksum": …, "body": …}</c>. The checksum covers the exact bytes of the body's text.
/// </summary>
internal static class ChecksummedJson
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    public static byte[] Write<T>(T body, out string checksum)
    {
        byte[] text = JsonSerializer.SerializeToUtf8Bytes(body, Options);
        checksum = ContentHash.Of(text);
        byte[] head = Encoding.ASCII.GetBytes($"{{\"checksum\":\"{checksum}\",\"body\":");
        return [.. head, .. text, .. "}\n"u8];
    }

    /// <param name="name">The name of the object, for messages.</param>
    /// <exception cref="ArchiveException">The object is damaged, or not of this form.</exception>
    public static T Read<T>(byte[] content, string name)
    {
        try
        {
            using var document = JsonDocument.Parse(content);
            string checksum = document.RootElement.GetProperty("checksum").GetString() ?? "";
            string body = document.RootElement.GetProperty("body").GetRawText();
            return ContentHash.Of(Encoding.UTF8.GetBytes(body)) == checksum
                ? JsonSerializer.Deserialize<T>(body, Options)
                    ?? throw new ArchiveException($"{name} is damaged: it has no body")
                : throw new ArchiveException($"{name} is damaged: it fails its checksum");
        }
        catch (Exception exception)
            when (exception is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new ArchiveException($"{name} is damaged: {exception.Message}", exception);
        }
    }
}

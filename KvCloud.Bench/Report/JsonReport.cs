using System.Text.Json;
using System.Text.Json.Serialization;

namespace KvCloud.Bench.Report;

/// <summary>Writes results as JSON with snake_case names that include the units.</summary>
internal static class JsonReport
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        WriteIndented = true,
    };

    public static string Serialize<T>(T result) => JsonSerializer.Serialize(result, Options);

    public static async Task WriteAsync<T>(string path, T result, CancellationToken cancellationToken)
    {
        try
        {
            await File.WriteAllTextAsync(path, Serialize(result) + "\n", cancellationToken).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new BenchException($"the result could not be written to {path}: {failure.Message}", failure);
        }
    }
}

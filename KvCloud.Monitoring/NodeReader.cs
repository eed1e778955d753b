using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace KvCloud.Monitoring;

/// <summary>Asks a node at one of its paths (docs/observability.md), within a deadline.</summary>
public sealed class NodeReader(HttpClient http)
{
    /// <summary>Longer than any of these answers takes a node that works.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(2);

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.Strict,
    };

    /// <exception cref="JsonException">The text is no such answer.</exception>
    public static T Parse<T>(string text)
        where T : class => JsonSerializer.Deserialize<T>(text, Json) ?? throw new JsonException("the answer is null");

    /// <summary>Asks for JSON.</summary>
    /// <param name="path">With its query.</param>
    public async Task<NodeAnswer<T>> ReadAsync<T>(Uri node, string path, CancellationToken cancellationToken)
        where T : class
    {
        NodeAnswer<string> answer = await ReadTextAsync(node, path, cancellationToken).ConfigureAwait(false);
        try
        {
            return new NodeAnswer<T>(answer.Value is { } text ? Parse<T>(text) : null, answer.Error);
        }
        catch (JsonException error)
        {
            return new NodeAnswer<T>(null, $"its answer is not understood: {error.Message}");
        }
    }

    /// <param name="path">With its query.</param>
    public async Task<NodeAnswer<string>> ReadTextAsync(Uri node, string path, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Deadline);
        try
        {
            string text = await http.GetStringAsync(new Uri(node, path), deadline.Token).ConfigureAwait(false);
            return new NodeAnswer<string>(text, null);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new NodeAnswer<string>(null, $"no answer within {Deadline.TotalSeconds:0} s");
        }
        catch (HttpRequestException error)
        {
            return new NodeAnswer<string>(null, Describe(error));
        }
    }

    /// <summary>Why a node did not answer, in words for people.</summary>
    internal static string Describe(HttpRequestException error) => error switch
    {
        { StatusCode: HttpStatusCode.Unauthorized } => "it asks who calls",
        { StatusCode: HttpStatusCode.Forbidden } => "this needs the right to administer the cluster",
        { StatusCode: HttpStatusCode.NotFound } => "its release does not have this",
        { StatusCode: HttpStatusCode.TooManyRequests } => "others ask it already",
        { InnerException: SocketException socket } => socket.SocketErrorCode.ToString(),
        { InnerException: IOException io } => io.Message,
        _ => error.Message,
    };
}

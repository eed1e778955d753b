using System.Net;
using System.Text.Json;

namespace KvCloud.Monitoring;

/// <summary>Asks one node for its status and metrics, within a deadline.</summary>
public sealed class NodePoller(HttpClient http, TimeProvider time)
{
    /// <summary>Longer than a node that works takes, short enough that a dead one shows within two seconds.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromMilliseconds(800);

    public async Task<NodeSample> PollAsync(Uri node, CancellationToken cancellationToken)
    {
        long started = time.GetTimestamp();
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Deadline);
        try
        {
            string status = await http.GetStringAsync(new Uri(node, "/status"), deadline.Token);
            double roundTripMs = time.GetElapsedTime(started).TotalMilliseconds;
            string metrics = await http.GetStringAsync(new Uri(node, "/metrics"), deadline.Token);
            return NewSample() with
            {
                Status = NodeStatus.Parse(status),
                Metrics = NodeMetrics.From(PrometheusText.Parse(metrics)),
                RoundTripMs = roundTripMs,
            };
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return NewSample() with { Error = $"no answer within {Deadline.TotalMilliseconds:0} ms" };
        }
        catch (HttpRequestException error)
        {
            return NewSample() with
            {
                IsUnauthenticated = error.StatusCode == HttpStatusCode.Unauthorized,
                IsForbidden = error.StatusCode == HttpStatusCode.Forbidden,
                Error = NodeReader.Describe(error),
            };
        }
        catch (JsonException error)
        {
            return NewSample() with { Error = $"its /status is not understood: {error.Message}" };
        }
    }

    /// <summary>A sample of now that says nothing yet.</summary>
    public NodeSample NewSample() => new()
    {
        At = time.GetUtcNow(),
        AtMs = (long)(time.GetTimestamp() / (time.TimestampFrequency / 1_000.0)),
    };
}

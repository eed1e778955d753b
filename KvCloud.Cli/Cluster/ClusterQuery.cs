using System.Diagnostics;
using System.Globalization;
using KvCloud.Client;

namespace KvCloud.Cli.Cluster;

/// <summary>
/// Asks every member what it says of itself now. Each has a deadline of its own, so that one that hangs costs that and
/// nothing else.
/// </summary>
internal sealed class ClusterQuery(KvCloudClient client)
{
    /// <summary>Longer than a loaded node takes, short enough for somebody who waits at a terminal.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(2);

    /// <summary>Asks one node who there is, then all of them.</summary>
    /// <exception cref="KvCloudException">No node answers.</exception>
    public async Task<ClusterReport> AskAsync(CancellationToken cancellationToken)
    {
        KvClusterHealth heard = await client.GetClusterHealthAsync(null, cancellationToken);
        MemberReport[] members = await Task.WhenAll(heard.Nodes.Select(node => AskAsync(node, cancellationToken)));
        return new ClusterReport(heard, [.. members.OrderBy(member => member.Id)]);
    }

    private async Task<MemberReport> AskAsync(KvNodeStatus node, CancellationToken cancellationToken)
    {
        var member = new MemberReport(node, null) { AskedAt = DateTimeOffset.UtcNow };
        if (node.Endpoint.Length == 0)
        {
            return member with { Error = "nobody knows yet where clients reach it" };
        }

        long started = Stopwatch.GetTimestamp();
        try
        {
            KvClusterHealth answer = await client.GetClusterHealthAsync(
                new KvReadOptions { Endpoint = node.Endpoint, Timeout = Deadline }, cancellationToken);

            // The address of a node may have become another's.
            return answer.AnsweredBy is null || answer.AnsweredBy == node.Id
                ? member with
                {
                    Answer = answer.AnsweredBy is null ? null : answer,
                    Error = answer.AnsweredBy is null ? "its release does not say who answers" : null,
                    RoundTrip = Stopwatch.GetElapsedTime(started),
                }
                : member with
                {
                    Error = string.Create(
                        CultureInfo.InvariantCulture, $"node {answer.AnsweredBy} answers at {node.Endpoint}"),
                };
        }
        catch (KvCloudException exception)
        {
            return member with { Error = exception.Message };
        }
    }
}

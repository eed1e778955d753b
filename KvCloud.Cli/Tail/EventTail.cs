using System.Globalization;
using System.Text.Json;
using KvCloud.Cli.Output;
using KvCloud.Client;
using KvCloud.Monitoring;

namespace KvCloud.Cli.Tail;

/// <summary>Follows what all nodes tell at /events or /logs. A node that is away costs its own lines alone.</summary>
internal sealed class EventTail(
    KvCloudClient client, NodeReader reader, TailSource source, string? level, KvConsole console, Printer printer)
{
    /// <summary>A node answers at most so many at once.</summary>
    public const int MostLines = 1_000;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan DiscoveryPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan DiscoveryTimeout = TimeSpan.FromSeconds(2);

    private readonly Dictionary<int, Followed> _nodes = [];
    private long _discoveredAt;

    /// <summary>From the least grave to the gravest; both names of some are taken.</summary>
    public static IReadOnlyList<string> Levels { get; } =
        ["trace", "debug", "info", "warn", "warning", "error", "critical"];

    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(int lines, bool follow, CancellationToken cancellationToken)
    {
        await DiscoverAsync(cancellationToken);
        Print((await AskAllAsync(cancellationToken)).TakeLast(lines));
        if (!follow)
        {
            return _nodes.Values.Any(node => node.Error is null) ? ExitCode.Ok : ExitCode.Unavailable;
        }

        while (true)
        {
            await console.Out.FlushAsync(cancellationToken);
            await Task.Delay(Pause, cancellationToken);
            if (TimeProvider.System.GetElapsedTime(_discoveredAt) > DiscoveryPause)
            {
                await DiscoverAsync(cancellationToken);
            }

            Print(await AskAllAsync(cancellationToken));
        }
    }

    private async Task DiscoverAsync(CancellationToken cancellationToken)
    {
        try
        {
            KvClusterHealth health = await client.GetClusterHealthAsync(
                _nodes.Count == 0 ? null : new KvReadOptions { Timeout = DiscoveryTimeout }, cancellationToken);
            foreach (KvNodeStatus node in health.Nodes)
            {
                if (_nodes.TryGetValue(node.Id, out Followed? known))
                {
                    known.Status = node;
                }
                else
                {
                    _nodes[node.Id] = new Followed(node);
                }
            }
        }
        catch (KvCloudException) when (_nodes.Count > 0)
        {
            // Those known from before are asked all the same.
        }
        finally
        {
            _discoveredAt = TimeProvider.System.GetTimestamp();
        }
    }

    private async Task<IEnumerable<TailLine>> AskAllAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<TailLine>[] all = await Task.WhenAll(
            _nodes.Values.Select(node => AskAsync(node, cancellationToken)));
        return all.SelectMany(lines => lines).Where(IsWanted).OrderBy(line => line.Time).ThenBy(line => line.Node);
    }

    private async Task<IReadOnlyList<TailLine>> AskAsync(Followed node, CancellationToken cancellationToken)
    {
        string path = source == TailSource.Events ? "/events" : "/logs";
        string after = node.Next is { } next
            ? string.Create(CultureInfo.InvariantCulture, $"&after={next}")
            : "";
        string question = string.Create(CultureInfo.InvariantCulture, $"{path}?limit={MostLines}{after}");
        NodeAnswer<string> answer = node.Status.HttpEndpoint is { Length: > 0 } endpoint
            ? await reader.ReadTextAsync(NodeHttp.AddressOf(endpoint), question, cancellationToken)
            : new NodeAnswer<string>(null, "nobody knows where its HTTP port is");
        Tell(node, answer.Error);
        if (answer.Value is null)
        {
            return [];
        }

        using var page = JsonDocument.Parse(answer.Value);
        JsonElement root = page.RootElement;
        if (node.Next is not null && root.TryGetProperty("dropped", out JsonElement dropped)
            && dropped.GetInt64() is > 0 and long lost)
        {
            console.WriteError($"node {node.Status.Id} no longer has {lost} lines that were not printed yet");
        }

        node.Next = root.GetProperty("next").GetInt64();
        return
        [
            .. root.GetProperty(source == TailSource.Events ? "events" : "lines").EnumerateArray()
                .Select(item => TailLine.Of(node.Status.Id, item)),
        ];
    }

    /// <summary>Says once that a node is away, and once that it is back.</summary>
    private void Tell(Followed node, string? error)
    {
        if (error is not null && node.Error is null)
        {
            console.WriteError($"node {node.Status.Id} tells nothing: {error}");
        }
        else if (error is null && node.Error is not null)
        {
            console.WriteError($"node {node.Status.Id} answers again");
        }

        node.Error = error;
    }

    private bool IsWanted(TailLine line) => level is null || RankOf(line.Level) >= RankOf(level);

    /// <summary>What is of no known level is always shown.</summary>
    private static int RankOf(string level) => level switch
    {
        "trace" => 0,
        "debug" => 1,
        "info" => 2,
        "warn" or "warning" => 3,
        "error" or "fail" => 4,
        _ => 5,
    };

    private void Print(IEnumerable<TailLine> lines)
    {
        foreach (TailLine line in lines)
        {
            if (printer.IsJson)
            {
                printer.Json(line.Write);
            }
            else
            {
                console.Out.WriteLine(line.ToText());
            }
        }
    }

    private sealed class Followed(KvNodeStatus status)
    {
        public KvNodeStatus Status { get; set; } = status;

        /// <summary>What to ask for next; null before the first answer.</summary>
        public long? Next { get; set; }

        public string? Error { get; set; }
    }
}

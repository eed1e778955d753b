using KvCloud.Monitoring;
using KvCloud.WebConsole.Monitoring;
using Microsoft.AspNetCore.Components;

namespace KvCloud.WebConsole.Components.Shared;

/// <summary>
/// Base of pages that ask every node the same, again and again while somebody looks. Each question has its own
/// deadline, and a node is asked again only once it has answered or its deadline has passed: one that hangs holds up
/// nothing.
/// </summary>
public abstract class NodePage<T> : ComponentBase, IDisposable
    where T : class
{
    private readonly CancellationTokenSource _closing = new();
    private readonly HashSet<int> _asked = [];

    /// <summary>With the rights of who looks at the page.</summary>
    [Inject]
    public required NodeReader Reader { get; set; }

    [Inject]
    public required ClusterMonitor Monitor { get; set; }

    [Inject]
    public required TimeProvider Time { get; set; }

    /// <summary>The last answer of each node, by id.</summary>
    protected SortedDictionary<int, NodeAnswer<T>> Answers { get; } = [];

    /// <summary>The nodes that have answered.</summary>
    protected IEnumerable<(int Id, T Value)> Known =>
        Answers.Where(node => node.Value.Value is not null).Select(node => (node.Key, node.Value.Value!));

    /// <summary>While true nobody is asked.</summary>
    protected bool IsPaused { get; set; }

    protected virtual TimeSpan Interval => TimeSpan.FromSeconds(2);

    /// <summary>The path that the node is asked at, with its query.</summary>
    protected abstract string PathOf(int node);

    protected override void OnInitialized() => _ = RunAsync(_closing.Token);

    /// <summary>A node has answered, or has not in time.</summary>
    protected virtual void Take(int node, NodeAnswer<T> answer) => Answers[node] = answer;

    /// <summary>Asks every node that is not being asked.</summary>
    protected void AskAll()
    {
        foreach (MemberStatus member in Monitor.Latest.Members)
        {
            if (!string.IsNullOrEmpty(member.HttpEndpoint) && _asked.Add(member.NodeId))
            {
                _ = AskAsync(member.NodeId, NodeHttp.AddressOf(member.HttpEndpoint), _closing.Token);
            }
        }
    }

    public void Dispose()
    {
        _closing.Cancel();
        _closing.Dispose();
        GC.SuppressFinalize(this);
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(Interval, Time);
        try
        {
            do
            {
                if (!IsPaused)
                {
                    AskAll();
                }
            }
            while (await timer.WaitForNextTickAsync(cancellationToken));
        }
        catch (OperationCanceledException)
        {
            // The page was left.
        }
    }

    /// <summary>On the page's own context, from beginning to end.</summary>
    private async Task AskAsync(int node, Uri address, CancellationToken cancellationToken)
    {
        try
        {
            NodeAnswer<T> answer = await Reader.ReadAsync<T>(address, PathOf(node), cancellationToken);
            if (!cancellationToken.IsCancellationRequested)
            {
                Take(node, answer);
                StateHasChanged();
            }
        }
        catch (OperationCanceledException)
        {
            // The page was left.
        }
        finally
        {
            _asked.Remove(node);
        }
    }
}

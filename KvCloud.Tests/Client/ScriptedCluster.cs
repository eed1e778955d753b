namespace KvCloud.Tests.Client;

/// <summary>Some scripted nodes on one store, one of them the leader.</summary>
internal sealed class ScriptedCluster : IAsyncDisposable
{
    private readonly List<ScriptedNode> _nodes = [];

    public ScriptedCluster(int size)
    {
        for (int i = 0; i < size; i++)
        {
            _nodes.Add(new ScriptedNode(i, this));
        }

        Leader = _nodes[0];
    }

    public ScriptedStore Store { get; } = new();

    public HashSet<string> Families { get; } = [];

    public IReadOnlyList<ScriptedNode> Nodes => _nodes;

    /// <summary>Null: an election is going on.</summary>
    public ScriptedNode? Leader { get; set; }

    public string Endpoints => string.Join(',', _nodes.Select(node => node.Endpoint));

    /// <summary>Ends a node as SIGKILL would: connections break, new ones are refused.</summary>
    public async Task KillAsync(ScriptedNode node)
    {
        await node.DisposeAsync();
        if (Leader == node)
        {
            Leader = null;
        }
    }

    /// <summary>Starts a killed node again on its port.</summary>
    public ScriptedNode Restart(ScriptedNode node)
    {
        var again = new ScriptedNode(node.Id, this, node.Port);
        _nodes[node.Id] = again;
        return again;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (ScriptedNode node in _nodes)
        {
            await node.DisposeAsync();
        }
    }
}

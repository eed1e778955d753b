using KvCloud.Consensus;
using KvCloud.Node.Transport;

namespace KvCloud.Tests.Node.Transport;

public sealed class InboundConnectionsTests
{
    private readonly InboundConnections<string> _connections = new(maxPendingHandshakes: 2);
    private readonly Peer _two = new(new NodeId(2));
    private readonly Peer _three = new(new NodeId(3));

    [Fact]
    public void Add_beyond_the_limit_evicts_who_has_been_silent_longest()
    {
        Assert.Null(_connections.Add("a"));
        Assert.Null(_connections.Add("b"));
        Assert.Equal("a", _connections.Add("c"));
        Assert.Equal("b", _connections.Add("d"));
        Assert.Equal(2, _connections.PendingHandshakes);
    }

    [Fact]
    public void TryAdmit_of_peers_does_not_count_as_pending_and_they_are_never_evicted()
    {
        _connections.Add("two");
        Assert.True(_connections.TryAdmit("two", _two, out _));
        _connections.Add("a");
        _connections.Add("b");

        Assert.Equal("a", _connections.Add("c"));
    }

    [Fact]
    public void TryAdmit_supersedes_the_older_connection_of_the_same_peer_only()
    {
        Admit("three", _three, superseded: null);
        Admit("old", _two, superseded: null);
        Admit("new", _two, superseded: "old");
    }

    /// <summary>The first was closed and its thread is not done yet; it must not shield the second.</summary>
    [Fact]
    public void TryAdmit_of_a_third_supersedes_the_second_while_the_first_is_still_ending()
    {
        Admit("first", _two, superseded: null);
        Admit("second", _two, superseded: "first");
        Admit("third", _two, superseded: "second");

        _connections.Remove("first");
        _connections.Remove("second");
        Admit("fourth", _two, superseded: "third");
    }

    [Fact]
    public void TryAdmit_of_one_that_was_evicted_takes_nobody_s_place()
    {
        _connections.Add("evicted");
        Admit("good", _two, superseded: null);
        _connections.Add("b");
        Assert.Equal("evicted", _connections.Add("c"));

        Assert.False(_connections.TryAdmit("evicted", _two, out string? superseded));
        Assert.Null(superseded);
    }

    private void Admit(string connection, Peer peer, string? superseded)
    {
        _connections.Add(connection);
        Assert.True(_connections.TryAdmit(connection, peer, out string? older));
        Assert.Equal(superseded, older);
    }
}

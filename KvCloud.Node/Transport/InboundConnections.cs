using KvCloud.Consensus;

namespace KvCloud.Node.Transport;

/// <summary>
/// Decides which accepted connections may stay: the newest of each peer, and a limited number that have not identified
/// themselves yet. The owner locks, and closes the connections that this class returns.
/// </summary>
/// <typeparam name="T">The owner's connection.</typeparam>
internal sealed class InboundConnections<T>(int maxPendingHandshakes)
    where T : class
{
    /// <summary>In the order in which they were accepted; the peer is null until it is known.</summary>
    private readonly List<(T Connection, Peer? Peer)> _open = [];

    public int PendingHandshakes => _open.Count(entry => entry.Peer is null);

    /// <summary>
    /// Adds an accepted connection. Returns the unidentified connection that has been silent longest, if it must be
    /// closed to make room: a peer identifies itself at once, and silent connections must not keep it out. Null when
    /// there is room.
    /// </summary>
    public T? Add(T connection)
    {
        T? evicted = null;
        if (PendingHandshakes >= maxPendingHandshakes)
        {
            int oldest = _open.FindIndex(entry => entry.Peer is null);
            evicted = _open[oldest].Connection;
            _open.RemoveAt(oldest);
        }

        _open.Add((connection, null));
        return evicted;
    }

    /// <summary>
    /// The connection belongs to the peer: an older one of that peer is removed here and must be closed. False when
    /// this connection was itself evicted before, and then it replaces nothing.
    /// </summary>
    public bool TryAdmit(T connection, Peer peer, out T? superseded)
    {
        superseded = null;
        int index = IndexOf(connection);
        if (index < 0)
        {
            return false;
        }

        Invariant.Check(_open[index].Peer is null, "a connection is identified once");
        _open[index] = (connection, peer);
        int older = _open.FindIndex(entry => entry.Peer == peer && entry.Connection != connection);
        if (older >= 0)
        {
            superseded = _open[older].Connection;
            _open.RemoveAt(older);
        }

        return true;
    }

    /// <summary>The connection has ended.</summary>
    public void Remove(T connection)
    {
        int index = IndexOf(connection);
        if (index >= 0)
        {
            _open.RemoveAt(index);
        }
    }

    private int IndexOf(T connection) => _open.FindIndex(entry => entry.Connection == connection);
}

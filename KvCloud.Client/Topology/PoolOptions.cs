namespace KvCloud.Client.Topology;

/// <summary>How many connections a node gets.</summary>
/// <param name="MinConnections">Opened as soon as the node is used.</param>
/// <param name="MaxConnections">The maximum number of connections.</param>
/// <param name="CallsBeforeAnotherConnection">Another connection is opened when each has this many calls in
/// flight.</param>
internal sealed record PoolOptions(int MinConnections, int MaxConnections, int CallsBeforeAnotherConnection);

using KvCloud.Client.Topology;

namespace KvCloud.Client.Calls;

/// <summary>Where a call may run: on the leader, on any replica, or on one named node.</summary>
internal readonly record struct CallTarget(bool LeaderOnly, Node? Pinned)
{
    public static readonly CallTarget Leader = new(true, null);
    public static readonly CallTarget AnyReplica = new(false, null);

    public static CallTarget Only(Node node) => new(false, node);
}

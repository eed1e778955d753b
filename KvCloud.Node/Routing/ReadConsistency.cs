namespace KvCloud.Node.Routing;

/// <summary>How fresh a read must be.</summary>
internal enum ReadConsistency
{
    /// <summary>This replica's own store, if it has been in touch with the leader recently enough.</summary>
    Local = 0,

    /// <summary>The leader's store, inside its lease. Linearizable.</summary>
    Leader = 1,

    /// <summary>
    /// Any replica, after it has applied all that the leader had chosen when the read came. Linearizable.
    /// </summary>
    ReadIndex = 2,
}

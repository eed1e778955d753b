namespace KvCloud.Node.Routing;

/// <summary>How fresh a read must be.</summary>
internal enum ReadConsistency
{
    /// <summary>Reads this replica's store if it was in contact with the leader recently enough.</summary>
    Local = 0,

    /// <summary>Reads the leader's store within its lease. Linearizable.</summary>
    Leader = 1,

    /// <summary>
    /// Reads any replica once it has applied everything the leader had chosen when the read arrived. Linearizable.
    /// </summary>
    ReadIndex = 2,
}

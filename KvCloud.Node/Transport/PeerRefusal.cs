namespace KvCloud.Node.Transport;

/// <summary>What a refusal by a peer means, as far as this node acts on it.</summary>
internal enum PeerRefusal
{
    /// <summary>For people to read.</summary>
    Other = 0,

    /// <summary>The peer knows another data directory of this node id.</summary>
    DirectoryLost = 1,

    /// <summary>Another node answers at the endpoint of the one that was called.</summary>
    OtherNode = 2,

    /// <summary>The group has removed this node id for good.</summary>
    Removed = 3,
}

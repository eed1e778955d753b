namespace KvCloud.Node.Transport;

/// <summary>What a replica says of its own data store.</summary>
internal enum DataState : byte
{
    Sound = 0,

    /// <summary>It answers no reads, and does not lead.</summary>
    Damaged = 1,

    /// <summary>It is being replaced by a peer's, damaged or not.</summary>
    Rebuilding = 2,
}

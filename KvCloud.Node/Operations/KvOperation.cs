namespace KvCloud.Node.Operations;

internal enum OperationKind
{
    /// <summary>Looks into the store.</summary>
    Read = 0,

    /// <summary>Changes the replicated state.</summary>
    Write = 1,

    /// <summary>Asks or tells something of this one node.</summary>
    Node = 2,

    /// <summary>A notion of the client's in this model; the server only says so.</summary>
    ClientSide = 3,
}

/// <summary>What the contract's methods are.</summary>
/// <param name="Method">Name in the service definition.</param>
/// <param name="ThroughConsensus">Whether it becomes a command in the replicated log.</param>
/// <param name="IsAtVersion">A read of one named version: any replica that has applied it may answer.</param>
internal sealed record KvOperation(
    string Method, OperationKind Kind, bool ThroughConsensus = false, bool IsAtVersion = false);

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

/// <summary>What a method of the contract is.</summary>
/// <param name="Method">Name in the service definition.</param>
/// <param name="IsAtVersion">A read of one named version: any replica that has applied it may answer.</param>
/// <param name="IsTransaction">Counted among transactions.</param>
internal sealed record KvOperation(
    string Method, OperationKind Kind, bool IsAtVersion = false, bool IsTransaction = false)
{
    /// <summary>Its place in <see cref="OperationClassifier.Counted"/>.</summary>
    public int Index { get; init; }

    /// <summary>
    /// Whether it becomes a command in the replicated log;
    /// <see cref="OperationClassifier.MustGoThroughConsensus"/> has the exception.
    /// </summary>
    public bool ThroughConsensus => Kind == OperationKind.Write;

    /// <summary>
    /// Whether it reads or writes data. A node that drains refuses it, and a fault may be injected into it.
    /// </summary>
    public bool TouchesData => Kind is OperationKind.Read or OperationKind.Write;
}

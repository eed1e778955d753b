namespace KvCloud.Node.Operations;

internal enum OperationKind
{
    /// <summary>Reads the store.</summary>
    Read = 0,

    /// <summary>Changes the replicated state.</summary>
    Write = 1,

    /// <summary>Reads or changes something of this node only.</summary>
    Node = 2,

    /// <summary>Exists only in the client; the server answers what to use instead.</summary>
    ClientSide = 3,
}

/// <summary>What a caller must have for a method, where rights are asked for.</summary>
internal enum AccessNeed
{
    /// <summary>Nobody has decided yet, which no method of the contract may leave so.</summary>
    Undecided = 0,

    /// <summary>Nothing.</summary>
    Nothing = 1,

    /// <summary>To be anybody who has logged in.</summary>
    Login = 2,

    /// <summary>The right to read what the request names.</summary>
    ReadOfKeys = 3,

    /// <summary>What its command needs, which apply asks for too.</summary>
    ByCommand = 4,

    /// <summary>The right to administer the cluster.</summary>
    Admin = 5,
}

/// <summary>The classification of one method of the contract.</summary>
/// <param name="Method">Name in the service definition.</param>
/// <param name="IsAtVersion">Whether it reads one given version: any replica that has applied it may answer.</param>
/// <param name="Needs">What a caller must have.</param>
/// <param name="IsTransaction">Whether it counts as a transaction.</param>
internal sealed record KvOperation(
    string Method,
    OperationKind Kind,
    AccessNeed Needs = AccessNeed.Undecided,
    bool IsAtVersion = false,
    bool IsTransaction = false)
{
    /// <summary>Index in <see cref="OperationClassifier.Counted"/>.</summary>
    public int Index { get; init; }

    /// <summary>
    /// Whether the method becomes a command in the replicated log; see
    /// <see cref="OperationClassifier.MustGoThroughConsensus"/> for the one exception.
    /// </summary>
    public bool ThroughConsensus => Kind == OperationKind.Write;

    /// <summary>
    /// Whether the method reads or writes data. A draining node refuses it, and faults may be injected into it.
    /// </summary>
    public bool TouchesData => Kind is OperationKind.Read or OperationKind.Write;
}

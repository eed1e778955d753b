namespace KvCloud.Node.Rpc.Methods;

/// <summary>What a call does, as statistics and draining see it.</summary>
internal enum RpcMethodKind
{
    /// <summary>Tells of the node itself, or answers without the store.</summary>
    Node,
    Read,
    Write,
    Commit,
}

using System.Collections.Frozen;

namespace KvCloud.Node.Operations;

/// <summary>Read-only or write? Must it go through consensus? One table for every method of the contract.</summary>
internal static class OperationClassifier
{
    /// <summary>In the order of the service definition.</summary>
    public static readonly IReadOnlyList<KvOperation> All =
    [
        // Linearizable, but confirmed by a read index round: nothing is logged.
        new("getReadVersion", OperationKind.Read),
        new("snapshotRead", OperationKind.Read, IsAtVersion: true),
        new("atomicCommit", OperationKind.Write, ThroughConsensus: true),
        new("get", OperationKind.Read),
        new("setKey", OperationKind.Write, ThroughConsensus: true),
        new("deleteKey", OperationKind.Write, ThroughConsensus: true),
        new("getRange", OperationKind.Read),
        new("snapshotGet", OperationKind.Read, IsAtVersion: true),
        new("snapshotGetRange", OperationKind.Read, IsAtVersion: true),
        new("addReadConflict", OperationKind.ClientSide),
        new("addReadConflictRange", OperationKind.ClientSide),
        new("setReadVersion", OperationKind.ClientSide),
        new("getCommittedVersion", OperationKind.ClientSide),
        new("setVersionstampedKey", OperationKind.Write, ThroughConsensus: true),
        new("setVersionstampedValue", OperationKind.Write, ThroughConsensus: true),
        new("setFaultInjection", OperationKind.Node),
        new("ping", OperationKind.Node),
        new("getClusterHealth", OperationKind.Node),
        new("getDatabaseStats", OperationKind.Node),
        new("getNodeInfo", OperationKind.Node),
        new("openSession", OperationKind.Write, ThroughConsensus: true),
        new("createColumnFamily", OperationKind.Write, ThroughConsensus: true),
        new("dropColumnFamily", OperationKind.Write, ThroughConsensus: true),
        new("listColumnFamilies", OperationKind.Read),
    ];

    private static readonly FrozenDictionary<string, KvOperation> ByMethod =
        All.ToFrozenDictionary(operation => operation.Method, StringComparer.Ordinal);

    /// <summary>Null for a method that the contract does not have.</summary>
    public static KvOperation? Find(string method) => ByMethod.GetValueOrDefault(method);

    /// <summary>
    /// False only for a commit that changes nothing: its reads were of one version, and at that version it is serialized.
    /// </summary>
    public static bool MustGoThroughConsensus(KvCommand command) => command is not CommitCommand { Mutations.Count: 0 };
}

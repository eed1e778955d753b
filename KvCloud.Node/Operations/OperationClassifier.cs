using System.Collections.Frozen;

namespace KvCloud.Node.Operations;

/// <summary>
/// Classifies every method of the contract: read or write, through consensus or not. Routing, draining, statistics and
/// fault injection all use this one table.
/// </summary>
internal static class OperationClassifier
{
    /// <summary>Stands for every name that is not in the contract.</summary>
    public static readonly KvOperation Unknown = new("unknown", OperationKind.Node);

    /// <summary>In the order of the service definition.</summary>
    public static readonly IReadOnlyList<KvOperation> All =
    [
        .. new KvOperation[]
        {
            // Linearizable, but confirmed by a read index round, so nothing is logged.
            new("getReadVersion", OperationKind.Read),
            new("snapshotRead", OperationKind.Read, IsAtVersion: true),
            new("atomicCommit", OperationKind.Write, IsTransaction: true),
            new("get", OperationKind.Read),
            new("setKey", OperationKind.Write),
            new("deleteKey", OperationKind.Write),
            new("getRange", OperationKind.Read),
            new("snapshotGet", OperationKind.Read, IsAtVersion: true),
            new("snapshotGetRange", OperationKind.Read, IsAtVersion: true),
            new("addReadConflict", OperationKind.ClientSide),
            new("addReadConflictRange", OperationKind.ClientSide),
            new("setReadVersion", OperationKind.ClientSide),
            new("getCommittedVersion", OperationKind.ClientSide),
            new("setVersionstampedKey", OperationKind.Write),
            new("setVersionstampedValue", OperationKind.Write),
            new("setFaultInjection", OperationKind.Node),
            new("ping", OperationKind.Node),
            new("getClusterHealth", OperationKind.Node),
            new("getDatabaseStats", OperationKind.Node),
            new("getNodeInfo", OperationKind.Node),
            new("openSession", OperationKind.Write),
            new("createColumnFamily", OperationKind.Write),
            new("dropColumnFamily", OperationKind.Write),
            new("listColumnFamilies", OperationKind.Read),

            // Through consensus, but no command of the state machine: the core itself knows what it means.
            new("changeMembers", OperationKind.Node),

            // Reads of all data, and of the log: for backups.
            new("openSnapshot", OperationKind.Read),
            new("readSnapshot", OperationKind.Read),
            new("readLog", OperationKind.Read),
        }.Select((operation, place) => operation with { Index = place + 1 }),
    ];

    /// <summary>Indexed by <see cref="KvOperation.Index"/>, under which calls are counted.</summary>
    public static readonly IReadOnlyList<KvOperation> Counted = [Unknown, .. All];

    private static readonly FrozenDictionary<string, KvOperation> ByMethod =
        All.ToFrozenDictionary(operation => operation.Method, StringComparer.Ordinal);

    /// <summary>Null for a method that is not in the contract.</summary>
    public static KvOperation? Find(string method) => ByMethod.GetValueOrDefault(method);

    /// <summary>
    /// False only for a commit without mutations: its reads were all at one version, and it is serialized there.
    /// </summary>
    public static bool MustGoThroughConsensus(KvCommand command) => command is not CommitCommand { Mutations.Count: 0 };
}

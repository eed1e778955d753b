using System.Collections.Frozen;

namespace KvCloud.Node.Operations;

/// <summary>
/// Classifies every method of the contract: read or write, through consensus or not, and what a caller must have for
/// it. Routing, draining, statistics, fault injection and access all use this one table.
/// </summary>
internal static class OperationClassifier
{
    /// <summary>Stands for every name that is not in the contract.</summary>
    public static readonly KvOperation Unknown = new("unknown", OperationKind.Node, AccessNeed.Nothing);

    /// <summary>In the order of the service definition.</summary>
    public static readonly IReadOnlyList<KvOperation> All =
    [
        .. new KvOperation[]
        {
            // Linearizable, but confirmed by a read index round, so nothing is logged.
            new("getReadVersion", OperationKind.Read, AccessNeed.Login),
            new("snapshotRead", OperationKind.Read, AccessNeed.ReadOfKeys, IsAtVersion: true),
            new("atomicCommit", OperationKind.Write, AccessNeed.ByCommand, IsTransaction: true),
            new("get", OperationKind.Read, AccessNeed.ReadOfKeys),
            new("setKey", OperationKind.Write, AccessNeed.ByCommand),
            new("deleteKey", OperationKind.Write, AccessNeed.ByCommand),
            new("getRange", OperationKind.Read, AccessNeed.ReadOfKeys),
            new("snapshotGet", OperationKind.Read, AccessNeed.ReadOfKeys, IsAtVersion: true),
            new("snapshotGetRange", OperationKind.Read, AccessNeed.ReadOfKeys, IsAtVersion: true),
            new("addReadConflict", OperationKind.ClientSide, AccessNeed.Login),
            new("addReadConflictRange", OperationKind.ClientSide, AccessNeed.Login),
            new("setReadVersion", OperationKind.ClientSide, AccessNeed.Login),
            new("getCommittedVersion", OperationKind.ClientSide, AccessNeed.Login),
            new("setVersionstampedKey", OperationKind.Write, AccessNeed.ByCommand),
            new("setVersionstampedValue", OperationKind.Write, AccessNeed.ByCommand),
            new("setFaultInjection", OperationKind.Node, AccessNeed.Admin),
            new("ping", OperationKind.Node, AccessNeed.Nothing),
            new("getClusterHealth", OperationKind.Node, AccessNeed.Login),
            new("getDatabaseStats", OperationKind.Node, AccessNeed.Admin),
            new("getNodeInfo", OperationKind.Node, AccessNeed.Login),
            new("openSession", OperationKind.Write, AccessNeed.ByCommand),
            new("createColumnFamily", OperationKind.Write, AccessNeed.ByCommand),
            new("dropColumnFamily", OperationKind.Write, AccessNeed.ByCommand),
            new("listColumnFamilies", OperationKind.Read, AccessNeed.Login),

            // Through consensus, but no command of the state machine: the core itself knows what it means.
            new("changeMembers", OperationKind.Node, AccessNeed.Admin),

            // Reads of all data, and of the log: for backups.
            new("openSnapshot", OperationKind.Read, AccessNeed.Admin),
            new("readSnapshot", OperationKind.Read, AccessNeed.Admin),
            new("readLog", OperationKind.Read, AccessNeed.Admin),

            // Who may do what. Everybody may change their own password and tokens, which the command knows.
            new("authenticate", OperationKind.Node, AccessNeed.Nothing),
            new("changeAccess", OperationKind.Write, AccessNeed.ByCommand),
            new("listAccess", OperationKind.Read, AccessNeed.Admin),
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

namespace KvCloud.Node.Rpc.Methods;

/// <summary>The methods of the contract, by the index under which they are counted. Index 0 is any other name.</summary>
internal static class RpcMethodNames
{
    private static readonly (string Name, RpcMethodKind Kind)[] All =
    [
        ("unknown", RpcMethodKind.Node),
        ("getReadVersion", RpcMethodKind.Read),
        ("snapshotRead", RpcMethodKind.Read),
        ("atomicCommit", RpcMethodKind.Commit),
        ("get", RpcMethodKind.Read),
        ("setKey", RpcMethodKind.Write),
        ("deleteKey", RpcMethodKind.Write),
        ("getRange", RpcMethodKind.Read),
        ("snapshotGet", RpcMethodKind.Read),
        ("snapshotGetRange", RpcMethodKind.Read),
        ("addReadConflict", RpcMethodKind.Node),
        ("addReadConflictRange", RpcMethodKind.Node),
        ("setReadVersion", RpcMethodKind.Node),
        ("getCommittedVersion", RpcMethodKind.Node),
        ("setVersionstampedKey", RpcMethodKind.Write),
        ("setVersionstampedValue", RpcMethodKind.Write),
        ("setFaultInjection", RpcMethodKind.Node),
        ("ping", RpcMethodKind.Node),
        ("getClusterHealth", RpcMethodKind.Node),
        ("getDatabaseStats", RpcMethodKind.Node),
        ("getNodeInfo", RpcMethodKind.Node),
        ("openSession", RpcMethodKind.Write),
        ("createColumnFamily", RpcMethodKind.Write),
        ("dropColumnFamily", RpcMethodKind.Write),
        ("listColumnFamilies", RpcMethodKind.Read),
    ];

    public static int Count => All.Length;

    public static string NameOf(int index) => All[index].Name;

    public static RpcMethodKind KindOf(int index) => All[index].Kind;

    public static int IndexOf(string name) => Math.Max(0, Array.FindIndex(All, method => method.Name == name));
}

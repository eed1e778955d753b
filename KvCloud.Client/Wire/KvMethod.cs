using System.Text;

namespace KvCloud.Client.Wire;

/// <summary>How the fields of an answer are laid out; many answers of the contract share a layout.</summary>
internal enum ReplyLayout
{
    /// <summary>1 bytes, 2 flag, 3 error; 100 code, 101 leader, 102 version.</summary>
    Value,

    /// <summary>1 flag, 2 error, 3 error_code; 100 code, 101 leader, 102 version.</summary>
    Status,

    /// <summary>As Status, with 4 committed_version and 103 generated.</summary>
    Commit,

    /// <summary>A number and a flag in fields 1 and 2, in either order, 3 error; 100 code, 101 leader.</summary>
    Number,

    /// <summary>1 rows, 2 flag, 3 error, 4 has_more; 100 code, 101 leader, 102 version.</summary>
    Range,

    /// <summary>Anything else: the struct's bytes, for the generated classes.</summary>
    Struct,
}

/// <summary>One call of the contract.</summary>
/// <param name="name">Its name on the wire and in telemetry.</param>
/// <param name="layout">How its answer is read.</param>
/// <param name="isWrite">Whether running it twice could differ from running it once.</param>
internal sealed class KvMethod(string name, ReplyLayout layout, bool isWrite = false)
{
    public static readonly KvMethod Get = new("get", ReplyLayout.Value);
    public static readonly KvMethod SnapshotGet = new("snapshotGet", ReplyLayout.Value);
    public static readonly KvMethod Set = new("setKey", ReplyLayout.Status, isWrite: true);
    public static readonly KvMethod Delete = new("deleteKey", ReplyLayout.Status, isWrite: true);
    public static readonly KvMethod Commit = new("atomicCommit", ReplyLayout.Commit, isWrite: true);
    public static readonly KvMethod SetVersionstampedKey =
        new("setVersionstampedKey", ReplyLayout.Value, isWrite: true);
    public static readonly KvMethod SetVersionstampedValue =
        new("setVersionstampedValue", ReplyLayout.Value, isWrite: true);
    public static readonly KvMethod GetRange = new("getRange", ReplyLayout.Range);
    public static readonly KvMethod SnapshotGetRange = new("snapshotGetRange", ReplyLayout.Range);
    public static readonly KvMethod GetReadVersion = new("getReadVersion", ReplyLayout.Number);
    public static readonly KvMethod OpenSession = new("openSession", ReplyLayout.Number);
    public static readonly KvMethod CreateColumnFamily = new("createColumnFamily", ReplyLayout.Status);
    public static readonly KvMethod DropColumnFamily = new("dropColumnFamily", ReplyLayout.Status);
    public static readonly KvMethod ListColumnFamilies = new("listColumnFamilies", ReplyLayout.Struct);
    public static readonly KvMethod Ping = new("ping", ReplyLayout.Struct);
    public static readonly KvMethod GetClusterHealth = new("getClusterHealth", ReplyLayout.Struct);
    public static readonly KvMethod GetDatabaseStats = new("getDatabaseStats", ReplyLayout.Struct);
    public static readonly KvMethod GetNodeInfo = new("getNodeInfo", ReplyLayout.Struct);
    public static readonly KvMethod SetFaultInjection = new("setFaultInjection", ReplyLayout.Struct);

    public static readonly KvMethod ChangeMembers = new("changeMembers", ReplyLayout.Status);

    public static readonly KvMethod OpenSnapshot = new("openSnapshot", ReplyLayout.Struct);
    public static readonly KvMethod ReadSnapshot = new("readSnapshot", ReplyLayout.Struct);
    public static readonly KvMethod ReadLog = new("readLog", ReplyLayout.Struct);

    public static readonly KvMethod Authenticate = new("authenticate", ReplyLayout.Struct);
    public static readonly KvMethod ChangeAccess = new("changeAccess", ReplyLayout.Status);
    public static readonly KvMethod ListAccess = new("listAccess", ReplyLayout.Struct);

    private readonly byte[] _nameUtf8 = Encoding.UTF8.GetBytes(name);

    public string Name { get; } = name;

    public ReadOnlySpan<byte> NameUtf8 => _nameUtf8;

    public ReplyLayout Layout { get; } = layout;

    public bool IsWrite { get; } = isWrite;

    /// <summary>
    /// Polled repeatedly by monitors, including this client itself, so it starts no trace of its own.
    /// </summary>
    public bool IsWatch => this == Ping || this == GetClusterHealth || this == GetDatabaseStats || this == GetNodeInfo;

    /// <summary>Whether a lost answer leaves the caller unsure about the state of the cluster.</summary>
    public bool MayLeaveOutcomeUnknown => IsWrite || this == CreateColumnFamily || this == DropColumnFamily
        || this == ChangeAccess;
}

using KvCloud.Node.Operations;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Methods;

/// <summary>What a backup is made of: a snapshot of this replica, and the log that follows it.</summary>
internal static class BackupMethods
{
    public static IEnumerable<RpcMethod> All(KvBackend backend) =>
    [
        new OpenSnapshot(backend),
        new ReadSnapshot(backend),
        new ReadLog(backend),
    ];

    private sealed class OpenSnapshot(KvBackend backend)
        : NodeMethod<OpenSnapshotRequest, OpenSnapshotResponse>("openSnapshot", backend, OperationKind.Read)
    {
        protected override OpenSnapshotResponse Answer(OpenSnapshotRequest request) => Refused(NotYet);
    }

    private sealed class ReadSnapshot(KvBackend backend)
        : NodeMethod<ReadSnapshotRequest, ReadSnapshotResponse>("readSnapshot", backend, OperationKind.Read)
    {
        protected override ReadSnapshotResponse Answer(ReadSnapshotRequest request) => Refused(NotYet);
    }

    private sealed class ReadLog(KvBackend backend)
        : NodeMethod<ReadLogRequest, ReadLogResponse>("readLog", backend, OperationKind.Read)
    {
        protected override ReadLogResponse Answer(ReadLogRequest request) => Refused(NotYet);
    }

    private static readonly Refusal NotYet = new(ErrorCode.NOT_SUPPORTED, "Backups are not offered by this node");
}

using KvCloud.Node.Replication.Workers;
using KvCloud.Node.State;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Replication;

/// <summary>What the parts of one replica share.</summary>
internal sealed record ReplicaParts(
    IConsensusTransport Transport,
    Bootstrap Bootstrap,
    KvStoreExecutor Executor,
    ReplicationOptions Options,
    IReplicaRuntime Runtime,
    IWorkers Workers,
    DriverInbox Inbox,
    LogWriter LogWriter,
    Applier Applier,
    CatchUpServer CatchUps,
    DiskHealth Disk,
    SlotTraces Traces);

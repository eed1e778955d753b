namespace KvCloud.Node.Telemetry;

/// <summary>
/// Names of the node's spans and of their attributes, which docs/observability.md lists. No attribute contains a
/// client's key or value.
/// </summary>
internal static class SpanNames
{
    /// <summary>Prefix of the method in the span name of a client's call: <c>TransactionalKV/setKey</c>.</summary>
    public const string CallPrefix = "TransactionalKV/";

    public const string Forward = "kvcloud.forward";
    public const string ReadIndex = "kvcloud.read_index";
    public const string Consensus = "kvcloud.consensus";
    public const string LogSync = "kvcloud.log.sync";
    public const string Apply = "kvcloud.apply";

    public static class Attributes
    {
        public const string RpcSystem = "rpc.system";
        public const string RpcService = "rpc.service";
        public const string RpcMethod = "rpc.method";
        public const string DatabaseSystem = "db.system.name";
        public const string ErrorType = "error.type";
        public const string Node = "kvcloud.node_id";
        public const string Peer = "kvcloud.peer_id";
        public const string Slot = "kvcloud.slot";
        public const string BallotRound = "kvcloud.ballot_round";
        public const string Commands = "kvcloud.batch.commands";
        public const string TracedCommands = "kvcloud.batch.traced_commands";
        public const string Slots = "kvcloud.batch.slots";
    }
}

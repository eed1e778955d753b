using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Connections;

/// <summary>
/// What stands behind a connection. Beside the store's own dispatcher there is one of plain echoes, with which the
/// connections are tested and measured alone.
/// </summary>
internal interface IRpcDispatcher
{
    /// <summary>
    /// Answers into <paramref name="direct"/> and returns null, or returns the call for the connection's queue. Where
    /// <paramref name="direct"/> is null, earlier calls wait and only the latter will do. Must not throw.
    /// </summary>
    IPendingCall? Dispatch(in RequestMessage message, AnswerWriter? direct);

    /// <summary>The same for a call that is not carried out. The message may be cut off after its header.</summary>
    IPendingCall? Refuse(in RequestMessage message, ErrorCode code, string reason, AnswerWriter? direct);

    /// <summary>From now on every call that reads or writes data is answered SHUTTING_DOWN.</summary>
    void RefuseNewCalls();
}

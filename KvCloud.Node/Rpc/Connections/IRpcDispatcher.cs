using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Connections;

/// <summary>
/// What stands behind a connection. Beside the store's own dispatcher there is one of plain echoes, with which the
/// connections are tested and measured alone.
/// </summary>
internal interface IRpcDispatcher
{
    /// <summary>Says what is to be done with a call, good until the message is released. Must not throw.</summary>
    IPendingCall Dispatch(in RequestMessage message);

    /// <summary>The same for a call that is not carried out. The message may be cut off after its header.</summary>
    IPendingCall Refuse(in RequestMessage message, ErrorCode code, string reason);

    /// <summary>From now on every call that reads or writes data is answered SHUTTING_DOWN.</summary>
    void RefuseNewCalls();
}

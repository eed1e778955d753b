using KvCloud.Node.Rpc.Wire;
using KvCloud.Protocol;

namespace KvCloud.Node.Rpc.Connections;

/// <summary>
/// Turns messages into calls. Besides the store's dispatcher there is one that only echoes, which lets tests and
/// benchmarks exercise the connections alone.
/// </summary>
internal interface IRpcDispatcher
{
    /// <summary>Creates the call for a message, which is valid until it is released. Must not throw.</summary>
    IPendingCall Dispatch(in RequestMessage message);

    /// <summary>
    /// Creates a call that answers with an error and does nothing else. The message may be cut off after its header.
    /// </summary>
    IPendingCall Refuse(in RequestMessage message, ErrorCode code, string reason);

    /// <summary>After this, every call that reads or writes data is answered SHUTTING_DOWN.</summary>
    void RefuseNewCalls();
}

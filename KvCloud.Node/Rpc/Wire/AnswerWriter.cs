using KvCloud.Protocol.Wire;

namespace KvCloud.Node.Rpc.Wire;

/// <summary>
/// Gathers a connection's answers until they are sent together, framed as the requests are. Used by one thread at a
/// time: the one that holds the output lock. Holds no memory while nothing waits: most connections are idle most of the
/// time.
/// </summary>
internal sealed class AnswerWriter() : FrameWriter(InitialBytes, keptBytes: 0)
{
    private const int InitialBytes = 1024;

    /// <summary>What was written and is not sent. Good until the next write.</summary>
    public ReadOnlyMemory<byte> Unsent => UnreadMemory;
}

using KvCloud.Protocol.Wire;

namespace KvCloud.Node.Rpc.Wire;

/// <summary>
/// Collects a connection's answers until they are sent together; frames them if the requests are framed. Used only by
/// the holder of the output lock. Holds no memory while nothing is buffered, because most connections are idle most of
/// the time.
/// </summary>
internal sealed class AnswerWriter() : FrameWriter(InitialBytes, keptBytes: 0)
{
    private const int InitialBytes = 1024;

    /// <summary>Bytes written and not sent yet. Valid until the next write.</summary>
    public ReadOnlyMemory<byte> Unsent => UnreadMemory;
}

using KvCloud.Consensus;

namespace KvCloud.Node.Transport;

/// <summary>
/// A replica that is below the others' logs asks one of them for a piece of a snapshot. Travels beside consensus, which
/// never sees it, and is as lossy as all messages: it is made again until the piece has come.
/// </summary>
/// <param name="Id">Which snapshot; 0 for the manifest of any that holds more than <paramref name="Above"/>.</param>
/// <param name="Above">What the asking replica has.</param>
/// <param name="File">Which of its files, counted from 0 in the manifest; -1 for the manifest itself.</param>
/// <param name="Count">How many bytes from <paramref name="Offset"/> on: <see cref="MaxCount"/> at most.</param>
internal sealed record SnapshotRequest(
    NodeId From, NodeId To, long Id, Slot Above, int File, long Offset, int Count) : Message(From, To)
{
    public const int MaxCount = 128 * 1024;
}

/// <summary>What became of a <see cref="SnapshotRequest"/>.</summary>
internal enum SnapshotAnswer : byte
{
    Content = 0,

    /// <summary>A snapshot is being made: ask again soon.</summary>
    Preparing = 1,

    /// <summary>There is no such snapshot any more: ask for another.</summary>
    Gone = 2,
}

/// <summary>Answer to <see cref="SnapshotRequest"/>.</summary>
/// <param name="Length">Of the whole file, or of the manifest.</param>
/// <param name="Content">From <paramref name="Offset"/> on; shorter than asked for only at the file's end.</param>
internal sealed record SnapshotReply(
    NodeId From,
    NodeId To,
    SnapshotAnswer Answer,
    long Id,
    int File,
    long Offset,
    long Length,
    ReadOnlyMemory<byte> Content) : Message(From, To);

using KvCloud.Consensus;
using KvCloud.Node.Storage;

namespace KvCloud.Node.State;

/// <summary>Finds what was the newest version of a key at some moment in the chain of those that were superseded since.</summary>
internal static class HistoryReader
{
    /// <summary>
    /// False when the key did not exist yet, or when what is looked for has left the retention window meanwhile: the caller
    /// asks for the window afterwards, and refuses whatever came of a read below it.
    /// </summary>
    /// <param name="newest">The version that the current table holds, newer than <paramref name="at"/>.</param>
    /// <param name="link">Its link.</param>
    /// <param name="keySpace">Scratch with room for a key of the history.</param>
    /// <param name="buffer">Gets the record.</param>
    public static bool TryFind(
        IKvView view,
        uint keyspace,
        ReadOnlySpan<byte> key,
        CommitVersion at,
        CommitVersion newest,
        HistoryLink link,
        Span<byte> keySpace,
        ref ValueBuffer buffer)
    {
        CommitVersion version = newest;
        while (link.HasOlder)
        {
            CommitVersion supersededAt = link.Towards(at, version);
            Invariant.Check(supersededAt > at, "a chain leads to what was superseded later than the read");
            if (!view.TryGet(KvTable.History, MvccKey.History(keySpace, supersededAt, keyspace, key), ref buffer))
            {
                return false;
            }

            VersionedValue older = VersionedValue.Parse(buffer.Value);
            if (older.Version <= at)
            {
                return true;
            }

            link = older.Link;
            version = older.Version;
        }

        return false;
    }
}

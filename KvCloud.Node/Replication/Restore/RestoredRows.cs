using KvCloud.Consensus;
using KvCloud.Node.Storage;

namespace KvCloud.Node.Replication.Restore;

/// <summary>
/// The numbers of rows in the data of a restored group, counted by reading every row, which verifies every checksum.
/// </summary>
/// <param name="Keys">Keys of all column families.</param>
/// <param name="Versions">Versions of all keys, deletes included.</param>
internal sealed record RestoredRows(long Keys, long Versions, long Meta, long Garbage, long Sessions)
{
    /// <summary>Reads the data of the first node; the others have the same files.</summary>
    /// <exception cref="StoreFailedException">A block of a file fails its checksum.</exception>
    public static RestoredRows Read(Func<string, IKvStore> openCopy, RestoreRequest request)
    {
        using IKvStore store = openCopy(
            Path.Combine(DataDirectory.PathOf(request.Target, request.Nodes[0]), "data"));
        var rows = new RestoredRows(
            Count(store.IterateNewest()),
            store.CountVersions().Records,
            Count(store.Iterate(KvTable.Meta)),
            Count(store.Iterate(KvTable.Garbage)),
            Count(store.Iterate(KvTable.Sessions)));
        Invariant.Check(rows.Meta > 0, "a restored group has a record of its state");
        return rows;
    }

    private static long Count(IKvIterator rows)
    {
        using (rows)
        {
            long count = 0;
            for (rows.Seek([]); rows.IsValid; rows.MoveNext())
            {
                count++;
            }

            return count;
        }
    }
}

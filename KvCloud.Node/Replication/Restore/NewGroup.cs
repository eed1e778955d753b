using KvCloud.Consensus;
using KvCloud.Node.Files;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.State;
using KvCloud.Node.Storage;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Replication.Restore;

/// <summary>
/// Creates a new group from a state and a slot: the data directories of its replicas. Their configuration says who
/// votes; nobody has promised or accepted anything; everything up to the slot is chosen.
/// </summary>
/// <remarks>
/// The group has a cluster id of its own, so that no replica of another group talks to it, and its versions are higher
/// than any that the old group may have issued: see <see cref="FirstVersions"/>.
/// </remarks>
internal sealed class NewGroup(IFileSystem files, RestoreStores stores)
{
    /// <summary>
    /// Turns the state into that of a new group: without a record of members, and with versions from the given one on.
    /// Older versions cannot be read any more; the answers of sessions stay.
    /// </summary>
    public static AppliedState Begin(KvStoreExecutor executor, string clusterId, CommitVersion firstVersion)
    {
        executor.BeginGroup(clusterId, firstVersion);
        executor.Flush();
        return executor.Applied;
    }

    /// <summary>Creates a directory <c>node_N</c> for each node, durably.</summary>
    public void Make(
        string root, IReadOnlyList<int> nodes, string clusterId, KvStoreExecutor executor, Action<string> onMade)
    {
        foreach (int node in nodes)
        {
            string path = DataDirectory.PathOf(root, node);
            using (var directory = DataDirectory.Open(
                files, path, clusterId, node, GroupTerms.Describe(nodes), stores.DrawIncarnation))
            {
                AppliedState held = CopyData(executor, directory.DataPath);
                IncarnationFile.Open(files, directory.IncarnationsPath, mayCreate: true);
                using (var log = SegmentedPaxosLog.Open(files, directory.LogPath, mayCreate: true, stores.Log))
                {
                    log.SkipTo(held.Slot);
                    log.Mark();
                }

                directory.NoteStoresMade();
            }

            onMade(path);
        }

        files.FlushDirectory(root);
    }

    private AppliedState CopyData(KvStoreExecutor executor, string path)
    {
        AppliedState made = executor.CreateCheckpoint(files, path);
        foreach (string file in files.ListFiles(path))
        {
            using IFile opened = files.Open(file, FileMode.Open, FileAccess.ReadWrite);
            opened.SyncData();
        }

        files.FlushDirectory(path);
        files.FlushParent(path);
        using IKvStore copy = stores.OpenCopy(path);
        AppliedState? held = KvStoreExecutor.ReadApplied(copy);
        Invariant.Check(held == made, $"a checkpoint of {made} holds {held}");
        return made;
    }
}

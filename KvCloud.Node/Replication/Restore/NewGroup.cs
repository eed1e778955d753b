using KvCloud.Consensus;
using KvCloud.Node.Files;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.State;
using KvCloud.Node.Storage;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Replication.Restore;

/// <summary>
/// Makes a new group out of a state and a position in the log: the data directories that its replicas begin with. Who
/// votes is what their configuration says; nobody has promised or accepted anything; all up to the position is chosen.
/// </summary>
/// <remarks>
/// The group has an identity of its own, so that no replica of another group talks to it, and every version of it is
/// higher than any that the old one may have issued: see <see cref="FirstVersions"/>.
/// </remarks>
internal sealed class NewGroup(IFileSystem files, Func<string, IKvStore> openCopy)
{
    /// <summary>
    /// Makes of the state that of a new group: without members, and with its versions from the given one on. Versions
    /// of before cannot be read any more; what a session was told is remembered.
    /// </summary>
    public static AppliedState Begin(KvStoreExecutor executor, string clusterId, CommitVersion firstVersion)
    {
        executor.BeginGroup(clusterId, firstVersion);
        executor.Flush();
        return executor.Applied;
    }

    /// <summary>Makes a directory <c>node_N</c> for each node. All of it is durable when this returns.</summary>
    public void Make(
        string root, IReadOnlyList<int> nodes, string clusterId, KvStoreExecutor executor, Action<string> onMade)
    {
        foreach (int node in nodes)
        {
            string path = DataDirectory.PathOf(root, node);
            using (var directory = DataDirectory.Open(
                files, path, clusterId, node, GroupTerms.Describe(nodes)))
            {
                AppliedState held = CopyData(executor, directory.DataPath);
                IncarnationFile.Open(files, directory.IncarnationsPath, mayCreate: true);
                using (var log = SegmentedPaxosLog.Open(files, directory.LogPath, mayCreate: true))
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
        using IKvStore copy = openCopy(path);
        AppliedState? held = KvStoreExecutor.ReadApplied(copy);
        Invariant.Check(held == made, $"a checkpoint of {made} holds {held}");
        return made;
    }
}

using KvCloud.Node.Files;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.State;
using KvCloud.Node.Storage;

namespace KvCloud.Node.Replication.Snapshots;

/// <summary>
/// Puts a snapshot that is whole in the place of the data store, at a replica's start. The log keeps the promise and
/// every vote above the snapshot.
/// </summary>
/// <remarks>
/// Each step is durable before the next, and a start after a crash goes on where it ended:
/// <code>
/// install  incoming/  data/            data.old/
/// yes      yes        old              -          fetched
/// yes      yes        -                old        data is moved aside
/// yes      -          the snapshot     old        moved in; then the log notes what is chosen
/// -        -          the snapshot     old        done; what was replaced is removed
/// </code>
/// </remarks>
internal static class SnapshotInstaller
{
    /// <summary>
    /// Before the data store is opened: puts a snapshot that waits in its place, unless the log has got beyond it and
    /// the data are not to be made anew.
    /// Whatever earlier processes left of others is removed.
    /// </summary>
    /// <returns>What is in place now, and is to be verified and finished; null if there is none.</returns>
    /// <exception cref="StoreCorruptException">What waits is not what was fetched.</exception>
    public static SnapshotManifest? PutInPlace(IFileSystem files, SnapshotPaths paths, IPaxosLog log, string clusterId)
    {
        files.DeleteDirectory(paths.Checkpoint);
        if (!files.FileExists(paths.Install))
        {
            files.DeleteDirectory(paths.Replaced);
            return null;
        }

        SnapshotManifest manifest = Read(files, paths, clusterId);
        if (!files.DirectoryExists(paths.Incoming))
        {
            return manifest;
        }

        if (log.ChosenSlot >= manifest.State.Slot && !MayReplace(files, paths, log, manifest))
        {
            Remove(files, paths.Install);
            files.DeleteDirectory(paths.Incoming);
            return null;
        }

        CheckIsWhole(files, paths, manifest);
        if (files.DirectoryExists(paths.Data))
        {
            files.DeleteDirectory(paths.Replaced);
            files.FlushDirectory(paths.Directory);
            files.MoveDirectory(paths.Data, paths.Replaced);
            files.FlushDirectory(paths.Directory);
        }

        files.MoveDirectory(paths.Incoming, paths.Data);
        files.FlushDirectory(paths.Directory);
        return manifest;
    }

    /// <summary>Once the data store is open: from here on it is the replica's.</summary>
    /// <exception cref="StoreCorruptException">It does not hold what the manifest says.</exception>
    public static void Finish(
        IFileSystem files, SnapshotPaths paths, IPaxosLog log, AppliedState held, SnapshotManifest manifest)
    {
        // The manifest does not name the feature level; the state hash covers it.
        if (held with { FeatureLevel = manifest.State.FeatureLevel } != manifest.State)
        {
            throw new StoreCorruptException(
                $"the snapshot of slot {manifest.State.Slot} in {paths.Data} holds slot {held.Slot} with state hash"
                + $" {held.StateHash:x16}, not {manifest.State.StateHash:x16}");
        }

        log.SkipTo(manifest.State.Slot);
        RebuildMark.Remove(files, paths);
        Remove(files, paths.Install);
        files.DeleteDirectory(paths.Replaced);
    }

    /// <summary>
    /// Data that are made anew may be of an earlier slot than this replica's own were: its log has what follows, if it
    /// does, and the start applies it again.
    /// </summary>
    private static bool MayReplace(
        IFileSystem files, SnapshotPaths paths, IPaxosLog log, SnapshotManifest manifest) =>
        files.FileExists(paths.Rebuild) && manifest.State.Slot >= log.FirstSlot.Previous;

    private static SnapshotManifest Read(IFileSystem files, SnapshotPaths paths, string clusterId)
    {
        try
        {
            var manifest = SnapshotManifest.Decode(files.ReadAllBytes(paths.Install));
            return manifest.ClusterId == clusterId
                ? manifest
                : throw new InvalidDataException($"it is of cluster '{manifest.ClusterId}'");
        }
        catch (InvalidDataException exception)
        {
            throw new StoreCorruptException($"{paths.Install} is damaged: {exception.Message}");
        }
    }

    private static void CheckIsWhole(IFileSystem files, SnapshotPaths paths, SnapshotManifest manifest)
    {
        foreach (SnapshotFile file in manifest.Files)
        {
            string path = Path.Combine(paths.Incoming, file.Name);
            if (!files.FileExists(path))
            {
                throw new StoreCorruptException($"{path} is missing, which was fetched with its snapshot");
            }

            using IFile opened = files.Open(path, FileMode.Open, FileAccess.Read);
            if (opened.Length != file.SizeBytes)
            {
                throw new StoreCorruptException(
                    $"{path} has {opened.Length} bytes, and had {file.SizeBytes} when it was fetched");
            }
        }
    }

    private static void Remove(IFileSystem files, string path)
    {
        files.Delete(path);
        files.FlushParent(path);
    }
}

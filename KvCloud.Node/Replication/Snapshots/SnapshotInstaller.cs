using KvCloud.Node.Files;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.State;
using KvCloud.Node.Storage;

namespace KvCloud.Node.Replication.Snapshots;

/// <summary>
/// Installs a complete snapshot in place of the data store, at a replica's start. The log keeps the promise and every
/// vote above the snapshot.
/// </summary>
/// <remarks>
/// Each step is durable before the next, and a start after a crash resumes at the step that was reached:
/// <code>
/// install  incoming/  data/            data.old/
/// yes      yes        old              -          fetched
/// yes      yes        -                old        data moved aside
/// yes      -          the snapshot     old        moved in; then the log records what is chosen
/// -        -          the snapshot     old        done; the replaced data are removed
/// </code>
/// </remarks>
internal static class SnapshotInstaller
{
    /// <summary>
    /// Before the data store is opened: moves a complete snapshot into its place, unless the log has passed it and no
    /// rebuild is wanted. Removes leftovers of earlier processes.
    /// </summary>
    /// <returns>The snapshot that was moved in and is yet to be verified; null if there is none.</returns>
    /// <exception cref="StoreCorruptException">A file differs from when it was fetched.</exception>
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

    /// <summary>Once the data store is open: verifies its state and completes the installation.</summary>
    /// <exception cref="StoreCorruptException">The state does not match the manifest.</exception>
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
    /// A rebuild may install a snapshot of a slot that the log has passed, provided that the log has every slot after
    /// it: the start applies them again.
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
                throw new StoreCorruptException($"{path} is missing, although it was fetched with its snapshot");
            }

            using IFile opened = files.Open(path, FileMode.Open, FileAccess.Read);
            if (opened.Length != file.SizeBytes)
            {
                throw new StoreCorruptException(
                    $"{path} has {opened.Length} bytes, but had {file.SizeBytes} when it was fetched");
            }
        }
    }

    private static void Remove(IFileSystem files, string path)
    {
        files.Delete(path);
        files.FlushParent(path);
    }
}

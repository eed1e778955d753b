using KvCloud.Node.Files;
using KvCloud.Node.Storage;

namespace KvCloud.Node.Replication.Snapshots;

/// <summary>Where a replica creates snapshots and where it stores those that it fetches.</summary>
/// <param name="ClusterId">A snapshot of another cluster is refused.</param>
/// <param name="OpenCopy">Opens a checkpoint read-only.</param>
/// <param name="OnReady">Called when a snapshot is complete and needs a restart. On a worker's thread.</param>
/// <param name="Tell">Receives sentences for the log.</param>
internal sealed record SnapshotPlace(
    IFileSystem Files,
    SnapshotPaths Paths,
    string ClusterId,
    Func<string, IKvStore> OpenCopy,
    Action OnReady,
    Action<string> Tell)
{
    /// <summary>The mark of a rebuild that this start has found; null if there is none.</summary>
    public RebuildMark? Mark { get; init; }

    /// <summary>Receives alarms.</summary>
    public Action<string> Alarm { get; init; } = Tell;
}

/// <summary>The paths in a replica's directory that snapshots use.</summary>
internal sealed record SnapshotPaths(string Directory)
{
    /// <summary>The data store.</summary>
    public string Data => Path.Combine(Directory, "data");

    /// <summary>The checkpoint that is served. The next start removes it.</summary>
    public string Checkpoint => Path.Combine(Directory, "checkpoint");

    /// <summary>Received files of a snapshot: complete ones, and one that ends with <see cref="Part"/>.</summary>
    public string Incoming => Path.Combine(Directory, "incoming");

    /// <summary>
    /// The manifest of a complete snapshot: while it exists, the next start installs the snapshot.
    /// </summary>
    public string Install => Path.Combine(Directory, "install");

    /// <summary>See <see cref="RebuildMark"/>.</summary>
    public string Rebuild => Path.Combine(Directory, "rebuild");

    /// <summary>The data store that a snapshot replaces, until the installation is complete.</summary>
    public string Replaced => Path.Combine(Directory, "data.old");

    public static string Part => ".part";
}

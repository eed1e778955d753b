using KvCloud.Node.Files;
using KvCloud.Node.Storage;

namespace KvCloud.Node.Replication.Snapshots;

/// <summary>Where a replica makes snapshots, and where it puts those that it fetches.</summary>
/// <param name="ClusterId">A snapshot of another cluster is refused.</param>
/// <param name="OpenCopy">Opens a checkpoint to be read.</param>
/// <param name="OnReady">A snapshot is whole and waits for the replica's next start. On a worker's thread.</param>
/// <param name="Tell">Hears sentences for the log.</param>
internal sealed record SnapshotPlace(
    IFileSystem Files,
    SnapshotPaths Paths,
    string ClusterId,
    Func<string, IKvStore> OpenCopy,
    Action OnReady,
    Action<string> Tell)
{
    /// <summary>What this start has found noted of data that are to be made anew.</summary>
    public RebuildMark? Mark { get; init; }

    /// <summary>Hears what somebody should know at once.</summary>
    public Action<string> Alarm { get; init; } = Tell;
}

/// <summary>The names, below a replica's directory, that have to do with snapshots.</summary>
internal sealed record SnapshotPaths(string Directory)
{
    /// <summary>The data store.</summary>
    public string Data => Path.Combine(Directory, "data");

    /// <summary>The checkpoint that is served. Gone with the process that made it.</summary>
    public string Checkpoint => Path.Combine(Directory, "checkpoint");

    /// <summary>What has come of a snapshot: whole files, and one that ends in <see cref="Part"/>.</summary>
    public string Incoming => Path.Combine(Directory, "incoming");

    /// <summary>
    /// The manifest of a snapshot that is whole: from here on the next start puts it in the data store's place.
    /// </summary>
    public string Install => Path.Combine(Directory, "install");

    /// <summary>The data are to be made anew: see <see cref="RebuildMark"/>.</summary>
    public string Rebuild => Path.Combine(Directory, "rebuild");

    /// <summary>The data store that a snapshot has replaced.</summary>
    public string Replaced => Path.Combine(Directory, "data.old");

    public static string Part => ".part";
}

using KvCloud.Backup.Format;
using KvCloud.Backup.Stores;

namespace KvCloud.Backup.Catalog;

/// <summary>The contents of an archive, as its listings and manifests show them.</summary>
/// <param name="Snapshots">Ordered by slot.</param>
/// <param name="Log">Ordered by first slot.</param>
/// <param name="Files">By object name.</param>
/// <param name="Damaged">
/// The manifests that cannot be read, and why: nobody knows which files they need.
/// </param>
/// <param name="Problems">Everything wrong that listings and manifests show, with the damaged ones.</param>
internal sealed record ArchiveCatalog(
    ArchiveMarker Marker,
    IReadOnlyList<ArchivedSnapshot> Snapshots,
    IReadOnlyList<LogSegmentName> Log,
    IReadOnlyDictionary<string, StoredObject> Files,
    IReadOnlyList<string> Damaged,
    IReadOnlyList<string> Problems)
{
    private IReadOnlyList<RestorableRange>? _ranges;
    private Dictionary<string, int>? _uses;

    public IReadOnlyList<RestorableRange> Ranges => _ranges ??= RestorableRange.Of(Snapshots, Log);

    public long FileBytes => Files.Values.Sum(file => file.SizeBytes);

    public long LogBytes => Log.Sum(segment => segment.SizeBytes);

    /// <summary>An upper bound of the commit versions in the archive.</summary>
    public long HighestVersion => Math.Max(
        Snapshots.Select(snapshot => snapshot.Manifest.Version).DefaultIfEmpty().Max(),
        Log.Select(segment => segment.VersionBound).DefaultIfEmpty().Max());

    /// <summary>The bytes of the snapshot's files that at least one other snapshot references too.</summary>
    public long SharedBytesOf(ArchivedSnapshot snapshot)
    {
        _uses ??= Snapshots
            .SelectMany(other => other.Manifest.Files.Select(file => file.ObjectName).Distinct())
            .CountBy(name => name)
            .ToDictionary();
        return snapshot.Manifest.Files.Where(file => _uses[file.ObjectName] > 1).Sum(file => file.SizeBytes);
    }

    /// <exception cref="ArchiveException">There is no archive, or its marker or listings cannot be read.</exception>
    public static async Task<ArchiveCatalog> LoadAsync(IArchiveStore store, CancellationToken cancellationToken)
    {
        ArchiveMarker marker = await ArchiveMarker.ReadAsync(store, cancellationToken);
        var damaged = new List<string>();

        // Manifests are listed before files: a backup writes a manifest only after every file that it names.
        List<StoredObject> manifests = await store.ListAllAsync(ArchiveLayout.Snapshots, cancellationToken);
        var decoded = new List<(StoredObject Stored, SnapshotManifest Manifest)>();
        foreach (StoredObject stored in manifests)
        {
            if (await TryDecodeAsync(store, stored, marker, damaged, cancellationToken) is { } manifest)
            {
                decoded.Add((stored, manifest));
            }
        }

        List<StoredObject> listed = await store.ListAllAsync(ArchiveLayout.Files, cancellationToken);
        var files = listed.ToDictionary(file => file.Name);
        var problems = new List<string>(damaged);
        List<LogSegmentName> log = await ListLogAsync(store, problems, cancellationToken);
        ArchivedSnapshot[] snapshots =
        [
            .. decoded.Select(pair => new ArchivedSnapshot(
                pair.Stored.Name, pair.Stored.Modified, pair.Manifest, MissingOf(pair.Manifest, files))),
        ];
        problems.AddRange(snapshots.SelectMany(snapshot => snapshot.MissingFiles.Select(
            file => $"{file} is missing or has another size; {snapshot.ObjectName} needs it")));
        return new ArchiveCatalog(marker, snapshots, log, files, damaged, problems);
    }

    private static async Task<List<LogSegmentName>> ListLogAsync(
        IArchiveStore store, List<string> problems, CancellationToken cancellationToken)
    {
        var log = new List<LogSegmentName>();
        foreach (StoredObject stored in await store.ListAllAsync(ArchiveLayout.Log, cancellationToken))
        {
            if (LogSegmentName.TryParse(stored.Name, stored.SizeBytes) is { } segment)
            {
                log.Add(segment);
            }
            else
            {
                problems.Add($"{stored.Name} is not named as a log segment; it is ignored");
            }
        }

        return log;
    }

    private static async Task<SnapshotManifest?> TryDecodeAsync(
        IArchiveStore store,
        StoredObject stored,
        ArchiveMarker marker,
        List<string> damaged,
        CancellationToken cancellationToken)
    {
        byte[]? content = await store.TryReadAsync(stored.Name, ArchiveLayout.MaxJsonBytes, cancellationToken);
        if (content is null)
        {
            // It was removed after the listing.
            return null;
        }

        try
        {
            return SnapshotManifest.Decode(content, stored.Name, marker.ClusterId);
        }
        catch (ArchiveException exception)
        {
            damaged.Add(exception.Message);
            return null;
        }
    }

    private static string[] MissingOf(SnapshotManifest manifest, Dictionary<string, StoredObject> files) =>
    [
        .. manifest.Files
            .Where(file => !files.TryGetValue(file.ObjectName, out StoredObject? stored)
                || stored.SizeBytes != file.SizeBytes)
            .Select(file => file.ObjectName)
            .Distinct(),
    ];
}

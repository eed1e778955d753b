using System.Globalization;
using KvCloud.Backup.Catalog;
using KvCloud.Backup.Format;
using KvCloud.Backup.Stores;

namespace KvCloud.Backup.Reading;

/// <summary>
/// Downloads what a restore needs into a staging directory: <c>data/</c> with the files of the snapshot, <c>log/</c>
/// with the blocks after it. Snapshot files from an earlier attempt are kept if their hash is right.
/// </summary>
internal sealed class RestoreStaging(IArchiveStore store, string directory, ReadProgress progress)
{
    private const int ParallelDownloads = 4;
    private const string Part = ".part";

    private readonly ArchiveReader _reader = new(store, progress);

    private string Data => Path.Combine(directory, "data");

    private string Log => Path.Combine(directory, "log");

    /// <exception cref="ArchiveException">An object is missing or damaged; the message names it.</exception>
    public async Task FillAsync(RestorePlan plan, CancellationToken cancellationToken)
    {
        progress.TotalBytes = plan.SizeBytes;
        Directory.CreateDirectory(Data);
        RemoveForeignFiles(plan.Snapshot.Manifest);
        await Parallel.ForEachAsync(
            plan.Snapshot.Manifest.Files,
            new ParallelOptions { MaxDegreeOfParallelism = ParallelDownloads, CancellationToken = cancellationToken },
            async (file, token) => await FetchAsync(file, token));
        await FetchLogAsync(plan, cancellationToken);
    }

    /// <summary>Removes files that the manifest does not name, of another snapshot that was staged here.</summary>
    private void RemoveForeignFiles(SnapshotManifest manifest)
    {
        var wanted = manifest.Files.Select(file => file.Name).ToHashSet(StringComparer.Ordinal);
        foreach (string path in Directory.GetFiles(Data).Where(path => !wanted.Contains(Path.GetFileName(path))))
        {
            File.Delete(path);
        }
    }

    /// <summary>Downloads to a temporary name; the file gets its own name once its hash is verified.</summary>
    private async Task FetchAsync(ArchivedFile file, CancellationToken cancellationToken)
    {
        string path = Path.Combine(Data, file.Name);
        var there = new FileInfo(path);
        if (there.Exists && there.Length == file.SizeBytes && await HasHashAsync(path, file, cancellationToken))
        {
            progress.Done(file.SizeBytes);
            return;
        }

        string part = path + Part;
        await _reader.ReadFileAsync(
            file.ObjectName, file.SizeBytes, file.Hash, () => File.Create(part), cancellationToken);
        File.Move(part, path, overwrite: true);
    }

    /// <summary>
    /// Name and size do not identify a file: two snapshots may have different files with the same name and size.
    /// </summary>
    private static async Task<bool> HasHashAsync(string path, ArchivedFile file, CancellationToken cancellationToken)
    {
        var hash = new System.IO.Hashing.XxHash128();
        await using FileStream stream = File.OpenRead(path);
        await hash.AppendAsync(stream, cancellationToken);
        return ContentHash.Text(hash.GetCurrentHashAsUInt128()) == file.Hash;
    }

    private async Task FetchLogAsync(RestorePlan plan, CancellationToken cancellationToken)
    {
        if (Directory.Exists(Log))
        {
            Directory.Delete(Log, recursive: true);
        }

        Directory.CreateDirectory(Log);
        long reached = plan.Snapshot.Manifest.Slot;
        foreach (LogSegmentName segment in plan.Log)
        {
            foreach (LogBlock block in await _reader.ReadSegmentAsync(segment, cancellationToken))
            {
                // Segments of two backups that wrote to one archive may overlap.
                if (block.LastSlot > reached)
                {
                    string name = string.Create(
                        CultureInfo.InvariantCulture, $"{block.FirstSlot:D20}-{block.LastSlot:D20}.log");
                    await File.WriteAllBytesAsync(
                        Path.Combine(Log, name), block.Content.ToArray(), cancellationToken);
                    reached = block.LastSlot;
                }
            }
        }
    }
}

using KvCloud.Backup.Catalog;
using KvCloud.Backup.Format;
using KvCloud.Backup.Stores;

namespace KvCloud.Backup.Reading;

/// <summary>Reads every object of an archive and reports those that are damaged or missing.</summary>
internal sealed class ArchiveVerifier(IArchiveStore store, ReadProgress progress)
{
    private readonly ArchiveReader _reader = new(store, progress);

    /// <returns>One sentence for each problem, with the name of its object; empty if there is none.</returns>
    public async Task<IReadOnlyList<string>> FindProblemsAsync(
        ArchiveCatalog catalog, CancellationToken cancellationToken)
    {
        progress.TotalBytes = catalog.FileBytes + catalog.LogBytes;
        var problems = new List<string>(catalog.Problems);
        foreach (StoredObject file in catalog.Files.Values)
        {
            string hash = file.Name[ArchiveLayout.Files.Length..].Split('-')[0];
            await NoteAsync(problems, ArchiveLayout.FileOf(hash, file.SizeBytes) == file.Name
                ? () => _reader.ReadFileAsync(file.Name, file.SizeBytes, hash, null, cancellationToken)
                : () => throw new ArchiveException(
                    $"{file.Name} in {store.Address} is damaged: it has {file.SizeBytes} bytes, unlike its name says"));
        }

        foreach (LogSegmentName segment in catalog.Log)
        {
            await NoteAsync(problems, () => _reader.ReadSegmentAsync(segment, cancellationToken));
        }

        return problems;
    }

    private static async Task NoteAsync(List<string> problems, Func<Task> check)
    {
        try
        {
            await check();
        }
        catch (ArchiveException exception) when (exception is not ArchiveUnavailableException)
        {
            problems.Add(exception.Message);
        }
    }
}

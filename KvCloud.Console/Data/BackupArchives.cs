using KvCloud.Backup;
using KvCloud.Backup.Catalog;
using KvCloud.Backup.Stores;
using Microsoft.Extensions.Options;

namespace KvCloud.WebConsole.Data;

/// <summary>The archives that the console is set up to show.</summary>
internal sealed class BackupArchives(IOptions<ConsoleOptions> options)
{
    /// <summary>An archive that does not answer holds up no page.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(15);

    public IReadOnlyList<string> Addresses => options.Value.Archives;

    public async Task<ArchiveReport> ReadAsync(string address, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Deadline);
        try
        {
            using IArchiveStore store = ArchiveAddress.Open(address);
            return new ArchiveReport(address, await ArchiveCatalog.LoadAsync(store, deadline.Token), null);
        }
        catch (ArchiveException error)
        {
            return new ArchiveReport(address, null, error.Message);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new ArchiveReport(address, null, $"no answer within {Deadline.TotalSeconds:0} s");
        }
    }
}

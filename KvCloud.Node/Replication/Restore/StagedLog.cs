using KvCloud.Consensus;
using KvCloud.Node.Files;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication.Backup;

namespace KvCloud.Node.Replication.Restore;

/// <summary>The blocks of the log in a staging directory, all of which were read once and verified.</summary>
internal sealed class StagedLog
{
    private readonly IFileSystem _files;
    private readonly string _clusterId;
    private readonly List<(string Path, Slot First, Slot Last)> _blocks = [];

    private StagedLog(IFileSystem files, string clusterId)
    {
        _files = files;
        _clusterId = clusterId;
    }

    /// <summary>An upper bound of the commit versions in all blocks.</summary>
    public CommitVersion AppliedVersion { get; private set; }

    /// <summary>Zero if there is no block.</summary>
    public Slot Last => _blocks.Count == 0 ? Slot.Zero : _blocks[^1].Last;

    /// <summary>Reads and verifies every block.</summary>
    /// <param name="clusterId">The id of the cluster that was backed up.</param>
    /// <exception cref="RestoreRefusedException">
    /// A block is damaged or missing, or belongs to another cluster.
    /// </exception>
    public static StagedLog Open(
        IFileSystem files, string directory, string clusterId, Action<RestoreProgress> report)
    {
        var log = new StagedLog(files, clusterId);
        if (!files.DirectoryExists(directory))
        {
            return log;
        }

        foreach (string path in files.ListFiles(directory)
            .Where(path => path.EndsWith(".log", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal))
        {
            LogBlock block = log.Read(path);
            log.Add(path, block);
            report(new RestoreProgress("checking", path, block.Last, block.AppliedVersion));
        }

        return log;
    }

    /// <summary>The blocks with slots above the given one; the first may begin below it.</summary>
    /// <exception cref="RestoreRefusedException">The log has a gap after the slot.</exception>
    public IEnumerable<(string Path, LogBlock Block)> Above(Slot slot)
    {
        Slot next = slot.Next;
        foreach ((string path, Slot first, Slot last) in _blocks.Where(block => block.Last > slot))
        {
            if (first > next)
            {
                throw Gap(path, first, next);
            }

            yield return (path, Read(path));
            next = last.Next;
        }
    }

    private void Add(string path, LogBlock block)
    {
        if (block.ClusterId != _clusterId)
        {
            throw new RestoreRefusedException(
                RestoreFlaw.Backup, $"{path} belongs to cluster '{block.ClusterId}', the backup to '{_clusterId}'");
        }

        if (_blocks.Count > 0 && block.First > Last.Next)
        {
            throw Gap(path, block.First, Last.Next);
        }

        AppliedVersion = block.AppliedVersion > AppliedVersion ? block.AppliedVersion : AppliedVersion;
        if (block.Last > Last)
        {
            _blocks.Add((path, block.First, block.Last));
        }
    }

    private LogBlock Read(string path)
    {
        try
        {
            return LogBlock.Decode(_files.ReadAllBytes(path));
        }
        catch (InvalidDataException exception)
        {
            throw new RestoreRefusedException(
                RestoreFlaw.Backup, $"{path} is damaged: {exception.Message}", exception);
        }
    }

    private static RestoreRefusedException Gap(string path, Slot first, Slot wanted) => new(
        RestoreFlaw.Backup, $"{path} begins at slot {first}, but slot {wanted} is next: a block is missing");
}

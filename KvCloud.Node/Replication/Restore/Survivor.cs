using KvCloud.Consensus;
using KvCloud.Node.Files;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.Replication.Snapshots;
using KvCloud.Node.State;
using KvCloud.Node.Storage;

namespace KvCloud.Node.Replication.Restore;

/// <summary>
/// A replica that is left of a group that lost its quorum: a copy of its directory, opened as a start opens it. The
/// directory itself is only read.
/// </summary>
internal sealed class Survivor : IDisposable
{
    /// <summary>What a replica cannot begin without.</summary>
    private static readonly string[] Parts = ["identity", "incarnations", "log.mark", "log", "data"];

    private readonly ReplicaStorage _storage;

    private Survivor(string path, UInt128 fingerprint, ReplicaStorage storage)
    {
        Path = path;
        Fingerprint = fingerprint;
        _storage = storage;
        FirstSlot = storage.Log.FirstSlot;
        ChosenSlot = storage.Log.ChosenSlot;
        LastSlot = storage.Log.LastSlot;
        RestoredState restored = Recovery.Restore(storage.Log, storage.Executor);
        Promised = restored.Promised;
        Members = restored.Members ?? GroupMembers.Initial(
            Transport.GroupTerms.Parse(storage.Directory.Identity.Voters).Select(id => new NodeId(id)));

        // The data may be ahead of what the log knows to be chosen; what the log holds there need not be it.
        Open = [.. restored.Entries.Where(entry => entry.Slot > storage.Executor.AppliedSlot)];
    }

    public string Path { get; }

    /// <summary>Of all that was looked at.</summary>
    public UInt128 Fingerprint { get; }

    public DirectoryIdentity Identity => _storage.Directory.Identity;

    public KvStoreExecutor Executor => _storage.Executor;

    public Ballot Promised { get; }

    public Slot FirstSlot { get; }

    /// <summary>As its log knew; what was applied may be more.</summary>
    public Slot ChosenSlot { get; }

    public Slot LastSlot { get; }

    /// <summary>All that it knows to be chosen is applied.</summary>
    public AppliedState Applied => _storage.Executor.Applied;

    public GroupMembers Members { get; }

    /// <summary>What it has accepted above that; whether it was chosen it does not know.</summary>
    public IReadOnlyList<LogEntry> Open { get; }

    /// <param name="scratch">Where the copy is made; must not be there yet.</param>
    /// <exception cref="RestoreRefusedException">There is no whole replica, or it runs.</exception>
    public static Survivor Read(IFileSystem files, Func<string, IKvStore> openStore, string path, string scratch)
    {
        using IDisposable stopped = Lock(files, path);
        DirectoryIdentity identity = IdentityIn(files, path);
        if (files.FileExists(System.IO.Path.Combine(path, "install")))
        {
            throw new RestoreRefusedException(
                RestoreFlaw.Backup,
                $"{path} has a snapshot that its next start would put in place: start that replica once");
        }

        if (RebuildMark.Read(files, new SnapshotPaths(path)) is { Damage: { } known })
        {
            throw Damaged(path, known.ToString());
        }

        UInt128 fingerprint = FingerprintOf(files, path);
        files.CreateDirectory(scratch);
        foreach (string part in Parts)
        {
            string from = System.IO.Path.Combine(path, part);
            string to = System.IO.Path.Combine(scratch, part);
            if (files.DirectoryExists(from))
            {
                files.CopyFiles(from, to);
            }
            else if (files.FileExists(from))
            {
                files.CopyFile(from, to);
            }
        }

        ReplicaStorage? storage = null;
        try
        {
            storage = ReplicaStorage.Open(
                files,
                DataDirectory.Open(files, scratch, identity.ClusterId, identity.NodeId, identity.Voters),
                openStore,
                SegmentedLogOptions.Default);
            return storage.Executor.Health.Damage is { } found
                ? throw Damaged(path, found.ToString())
                : new Survivor(path, fingerprint, storage);
        }
        catch (Exception exception) when (exception is LogCorruptException or LogFailedException
            or StoreCorruptException or StoreFailedException or InvalidDataException or RestoreRefusedException)
        {
            storage?.Dispose();
            throw new RestoreRefusedException(
                RestoreFlaw.Backup, $"{path} cannot be taken: {exception.Message}", exception);
        }
    }

    /// <summary>Of what is looked at in the directory of a replica.</summary>
    public static UInt128 FingerprintOf(IFileSystem files, string path) => files.Fingerprint(path, Parts);

    public void Dispose() => _storage.Dispose();

    private static DirectoryIdentity IdentityIn(IFileSystem files, string path)
    {
        string file = System.IO.Path.Combine(path, "identity");
        var identity = DirectoryIdentity.Read(
            System.Text.Encoding.UTF8.GetString(files.ReadAllBytes(file)), file);
        return identity.HasStores
            ? identity
            : throw new RestoreRefusedException(RestoreFlaw.Backup, $"{path} is of a replica that never began");
    }

    private static RestoreRefusedException Damaged(string path, string damage) =>
        new(RestoreFlaw.Backup, $"the data store of {path} is damaged: {damage}");

    private static IDisposable Lock(IFileSystem files, string path)
    {
        string file = System.IO.Path.Combine(path, "lock");
        if (!files.FileExists(file) || !files.FileExists(System.IO.Path.Combine(path, "identity")))
        {
            throw new RestoreRefusedException(RestoreFlaw.Request, $"{path} is no replica's data directory");
        }

        try
        {
            return files.TakeLock(file);
        }
        catch (FileInUseException exception)
        {
            throw new RestoreRefusedException(
                RestoreFlaw.Target, $"{path} is in use: stop that replica first", exception);
        }
    }
}

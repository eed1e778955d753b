using KvCloud.Consensus;
using KvCloud.Node.Files;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.Replication.Snapshots;
using KvCloud.Node.State;
using KvCloud.Node.Storage;

namespace KvCloud.Node.Replication.Restore;

/// <summary>
/// A replica that remains of a group that lost its quorum: a copy of its directory, opened as at a start. The directory
/// itself is only read.
/// </summary>
internal sealed class Survivor : IDisposable
{
    /// <summary>The parts of a directory that a replica cannot start without.</summary>
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

        // The data store may be ahead of what the log knows to be chosen; in between, the log may hold other values.
        Open = [.. restored.Entries.Where(entry => entry.Slot > storage.Executor.AppliedSlot)];
    }

    public string Path { get; }

    /// <summary>A hash over everything that was read.</summary>
    public UInt128 Fingerprint { get; }

    public DirectoryIdentity Identity => _storage.Directory.Identity;

    public KvStoreExecutor Executor => _storage.Executor;

    public Ballot Promised { get; }

    public Slot FirstSlot { get; }

    /// <summary>The last slot that its log knows to be chosen; the applied slot may be higher.</summary>
    public Slot ChosenSlot { get; }

    public Slot LastSlot { get; }

    /// <summary>The state after everything that it knows to be chosen.</summary>
    public AppliedState Applied => _storage.Executor.Applied;

    public GroupMembers Members { get; }

    /// <summary>The entries that it has accepted above that, without knowing whether they were chosen.</summary>
    public IReadOnlyList<LogEntry> Open { get; }

    /// <param name="scratch">The directory for the copy; must not exist yet.</param>
    /// <exception cref="RestoreRefusedException">The directory is incomplete or damaged, or in use.</exception>
    public static Survivor Read(IFileSystem files, RestoreStores stores, string path, string scratch)
    {
        using IDisposable stopped = Lock(files, path);
        DirectoryIdentity identity = IdentityIn(files, path);
        if (files.FileExists(System.IO.Path.Combine(path, "install")))
        {
            throw new RestoreRefusedException(
                RestoreFlaw.Backup,
                $"{path} has a snapshot that its next start would install: start that replica once, then stop it");
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
                stores.Open,
                stores.Log,
                stores.Sessions);
            return storage.Executor.Health.Damage is { } found
                ? throw Damaged(path, found.ToString())
                : new Survivor(path, fingerprint, storage);
        }
        catch (Exception exception) when (exception is LogCorruptException or LogFailedException
            or StoreCorruptException or StoreFailedException or InvalidDataException or RestoreRefusedException)
        {
            storage?.Dispose();
            throw new RestoreRefusedException(
                RestoreFlaw.Backup, $"{path} cannot be used: {exception.Message}", exception);
        }
    }

    /// <summary>A hash over the parts of a replica's directory that a recovery reads.</summary>
    public static UInt128 FingerprintOf(IFileSystem files, string path) => files.Fingerprint(path, Parts);

    public void Dispose() => _storage.Dispose();

    private static DirectoryIdentity IdentityIn(IFileSystem files, string path)
    {
        string file = System.IO.Path.Combine(path, "identity");
        var identity = DirectoryIdentity.Read(
            System.Text.Encoding.UTF8.GetString(files.ReadAllBytes(file)), file);
        return identity.HasStores
            ? identity
            : throw new RestoreRefusedException(RestoreFlaw.Backup, $"{path} belongs to a replica that never started");
    }

    private static RestoreRefusedException Damaged(string path, string damage) =>
        new(RestoreFlaw.Backup, $"the data store of {path} is damaged: {damage}");

    private static IDisposable Lock(IFileSystem files, string path)
    {
        string file = System.IO.Path.Combine(path, "lock");
        if (!files.FileExists(file) || !files.FileExists(System.IO.Path.Combine(path, "identity")))
        {
            throw new RestoreRefusedException(
                RestoreFlaw.Request, $"{path} is not the data directory of a replica: name its node_N directory");
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

using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using KvCloud.Node.Transport;

namespace KvCloud.Node.Storage;

/// <summary>
/// The directory of one replica, held open so that no second process uses it: <c>identity</c>, <c>lock</c>, <c>owner</c>
/// (who holds it, for people), <c>incarnations</c> (of the peers), <c>log/</c>, <c>log.mark</c> (how far the log has got) and
/// <c>data/</c>.
/// </summary>
internal sealed class DataDirectory : IDisposable
{
    private const string IdentityFile = "identity";
    private const string LockFile = "lock";
    private const string OwnerFile = "owner";

    private readonly FileStream _lock;

    private DataDirectory(string path, FileStream heldLock, DirectoryIdentity identity)
    {
        Path = path;
        _lock = heldLock;
        Identity = identity;
    }

    public string Path { get; }

    public DirectoryIdentity Identity { get; private set; }

    /// <summary>What belongs into it was never made as a whole: this replica has promised nothing yet.</summary>
    public bool IsNew => !Identity.HasStores;

    /// <summary>Of the consensus log.</summary>
    public string LogPath => System.IO.Path.Combine(Path, "log");

    /// <summary>Of the data store.</summary>
    public string DataPath => System.IO.Path.Combine(Path, "data");

    /// <summary>Which incarnations of its peers this node has met.</summary>
    public string IncarnationsPath => System.IO.Path.Combine(Path, "incarnations");

    /// <summary>The directory of one node below the configured base.</summary>
    public static string PathOf(string basePath, int nodeId) => System.IO.Path.Combine(
        basePath, string.Create(CultureInfo.InvariantCulture, $"node_{nodeId}"));

    /// <summary>Opens the directory, which is made if it is missing, and holds it until Dispose.</summary>
    /// <exception cref="DataDirectoryException">It cannot be used; the message says why in one sentence.</exception>
    public static DataDirectory Open(string path, string clusterId, int nodeId, string voters)
    {
        if (clusterId.Contains('\n', StringComparison.Ordinal))
        {
            throw new ArgumentException("A cluster id has no line breaks.", nameof(clusterId));
        }

        try
        {
            Directory.CreateDirectory(path);
            FileStream heldLock = TakeLock(path);
            try
            {
                DirectoryIdentity? identity = ReadIdentity(path);
                identity ??= CreateIdentity(path, clusterId, nodeId, voters);
                CheckIdentity(identity, path, clusterId, nodeId, voters);
                return new DataDirectory(path, heldLock, identity);
            }
            catch
            {
                heldLock.Dispose();
                throw;
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DataDirectoryUnusableException($"Data directory {path} cannot be used: {exception.Message}", exception);
        }
    }

    /// <summary>Notes durably that log, data store and incarnations are there. From then on none of them may be missing.</summary>
    public void NoteStoresMade()
    {
        if (IsNew)
        {
            DirectoryIdentity identity = Identity with { HasStores = true };
            WriteIdentity(Path, identity);
            Identity = identity;
        }
    }

    /// <summary>Lets others have it. After the stores in it were closed.</summary>
    public void Dispose() => _lock.Dispose();

    private static FileStream TakeLock(string path)
    {
        FileStream heldLock;
        try
        {
            heldLock = new FileStream(
                System.IO.Path.Combine(path, LockFile), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException exception) when (IsSharingViolation(exception))
        {
            throw new DataDirectoryInUseException(
                $"Data directory {path} is in use by {ReadOwner(path)}: two nodes cannot share one.", exception);
        }

        File.WriteAllText(
            System.IO.Path.Combine(path, OwnerFile),
            string.Create(CultureInfo.InvariantCulture, $"process {Environment.ProcessId} on {Environment.MachineName}"));
        return heldLock;
    }

    /// <summary>EWOULDBLOCK of Linux and of macOS, and ERROR_SHARING_VIOLATION.</summary>
    private static bool IsSharingViolation(IOException exception) =>
        exception.HResult is 11 or 35 or unchecked((int)0x8007_0020);

    private static string ReadOwner(string path)
    {
        try
        {
            string owner = File.ReadAllText(System.IO.Path.Combine(path, OwnerFile));
            return owner.Length == 0 ? "another process" : owner;
        }
        catch (IOException)
        {
            // It has just been locked and does not say yet by whom.
            return "another process";
        }
    }

    private static DirectoryIdentity? ReadIdentity(string path)
    {
        string file = System.IO.Path.Combine(path, IdentityFile);
        if (File.Exists(file))
        {
            return DirectoryIdentity.Read(File.ReadAllText(file), file);
        }

        foreach (string store in (string[])["log", "data"])
        {
            if (Directory.Exists(System.IO.Path.Combine(path, store)))
            {
                throw new DataDirectoryCorruptException(
                    $"Data directory {path} holds {store} but no {IdentityFile} file, so nobody knows whose it is.");
            }
        }

        return null;
    }

    private static void CheckIdentity(
        DirectoryIdentity identity, string path, string clusterId, int nodeId, string voters)
    {
        if (identity.ClusterId != clusterId)
        {
            throw new DataDirectoryForeignException(
                $"Data directory {path} belongs to cluster '{identity.ClusterId}', not to '{clusterId}'.");
        }

        if (identity.NodeId != nodeId)
        {
            throw new DataDirectoryForeignException(
                $"Data directory {path} belongs to node {identity.NodeId}, not to node {nodeId}.");
        }

        if (identity.Voters != voters)
        {
            throw new DataDirectoryForeignException(
                $"Data directory {path} belongs to a replica of the voters {identity.Voters}, the configuration names {voters}: "
                + "quorums of different voters need not meet. Configure as many replicas as before.");
        }
    }

    private static DirectoryIdentity CreateIdentity(string path, string clusterId, int nodeId, string voters)
    {
        long incarnation = BinaryPrimitives.ReadInt64LittleEndian(RandomNumberGenerator.GetBytes(sizeof(long)));
        var identity = new DirectoryIdentity(clusterId, nodeId, incarnation, voters, HasStores: false);
        WriteIdentity(path, identity);
        if (System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path)) is string parent)
        {
            // Or the whole directory may be gone after a power cut, with all that was synced in it.
            DurableFile.FlushDirectory(parent);
        }

        return identity;
    }

    private static void WriteIdentity(string path, DirectoryIdentity identity) => DurableFile.Replace(
        System.IO.Path.Combine(path, IdentityFile), Encoding.UTF8.GetBytes(identity.Write()));
}

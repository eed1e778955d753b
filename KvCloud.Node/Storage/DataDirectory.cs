using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using KvCloud.Node.Files;

namespace KvCloud.Node.Storage;

/// <summary>
/// The data directory of one replica, locked so that no second process uses it: <c>identity</c>, <c>lock</c>,
/// <c>owner</c> (names the holder of the lock, for operators), <c>incarnations</c> (of the peers), <c>log/</c>,
/// <c>log.mark</c> (how far the log has got) and <c>data/</c>. Snapshots are kept next to them.
/// </summary>
internal sealed class DataDirectory : IDisposable
{
    private const string IdentityFile = "identity";
    private const string LockFile = "lock";
    private const string OwnerFile = "owner";

    private readonly IFileSystem _files;
    private readonly IDisposable _lock;
    private readonly Lock _noting = new();

    private DataDirectory(IFileSystem files, string path, IDisposable heldLock, DirectoryIdentity identity)
    {
        _files = files;
        Path = path;
        _lock = heldLock;
        Identity = identity;
    }

    public string Path { get; }

    public DirectoryIdentity Identity { get; private set; }

    /// <summary>Its stores were never completely created, so this replica has promised nothing yet.</summary>
    public bool IsNew => !Identity.HasStores;

    /// <summary>The consensus log.</summary>
    public string LogPath => System.IO.Path.Combine(Path, "log");

    /// <summary>The data store.</summary>
    public string DataPath => System.IO.Path.Combine(Path, "data");

    /// <summary>The file of the incarnations of peers that this node has met.</summary>
    public string IncarnationsPath => System.IO.Path.Combine(Path, "incarnations");

    /// <summary>The directory of one node under the configured base.</summary>
    public static string PathOf(string basePath, int nodeId) => System.IO.Path.Combine(
        basePath, string.Create(CultureInfo.InvariantCulture, $"node_{nodeId}"));

    /// <summary>
    /// The node whose directory it is, without opening it; null where it is nobody's yet, of another cluster, or
    /// damaged: opening it says so.
    /// </summary>
    public static int? FindOwner(IFileSystem files, string path, string clusterId)
    {
        try
        {
            string file = System.IO.Path.Combine(path, IdentityFile);
            DirectoryIdentity? identity = files.FileExists(file)
                ? DirectoryIdentity.Read(Encoding.UTF8.GetString(files.ReadAllBytes(file)), file)
                : null;
            return identity?.ClusterId == clusterId ? identity.NodeId : null;
        }
        catch (Exception exception) when (
            exception is DataDirectoryException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Opens the directory, creating it if it is missing, and locks it until Dispose.</summary>
    /// <exception cref="DataDirectoryException">It cannot be used; the message says why in one sentence.</exception>
    /// <param name="drawIncarnation">Draws the incarnation of a new directory; null for a random one.</param>
    public static DataDirectory Open(
        IFileSystem files, string path, string clusterId, int nodeId, string voters, Func<long>? drawIncarnation = null)
    {
        if (clusterId.Contains('\n', StringComparison.Ordinal))
        {
            throw new ArgumentException("A cluster id has no line breaks.", nameof(clusterId));
        }

        try
        {
            files.CreateDirectories(path);
            IDisposable heldLock = TakeLock(files, path);
            try
            {
                DirectoryIdentity? identity = ReadIdentity(files, path);
                if (identity is null)
                {
                    identity = new DirectoryIdentity(
                        clusterId,
                        nodeId,
                        (drawIncarnation ?? DrawIncarnation)(),
                        voters,
                        HasStores: false,
                        IsFormed: false);
                    WriteIdentity(files, path, identity);
                }

                CheckIdentity(identity, path, clusterId, nodeId);
                MakeNamesDurable(files, path, identity);
                return new DataDirectory(files, path, heldLock, identity);
            }
            catch
            {
                heldLock.Dispose();
                throw;
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DataDirectoryUnusableException(
                $"Data directory {path} cannot be used: {exception.Message}", exception);
        }
    }

    /// <summary>
    /// Call it while no change of members was made: until then the configuration says who votes.
    /// </summary>
    /// <exception cref="DataDirectoryForeignException">It began with other voters.</exception>
    public void RequireVoters(string voters)
    {
        if (Identity.Voters != voters)
        {
            throw new DataDirectoryForeignException(
                $"Data directory {Path} belongs to a replica of the voters {Describe(Identity.Voters)}, the"
                + $" configuration names {Describe(voters)}: quorums of different voters need not meet. Configure as"
                + " many replicas as before, and change members by kv member.");
        }
    }

    /// <summary>
    /// Durably records that the log, the data store and the incarnations exist. From then on none of them may be
    /// missing.
    /// </summary>
    public void NoteStoresMade()
    {
        Note(identity => identity with { HasStores = true });
    }

    /// <summary>Durably records that all other voters remember this replica's incarnation.</summary>
    public void NoteFormed()
    {
        Note(identity => identity with { IsFormed = true });
    }

    /// <summary>
    /// Durably makes this the directory of another node, which joins the group. Only for a directory that has never
    /// taken part: what it holds is kept, and has to be nothing.
    /// </summary>
    /// <exception cref="InvalidOperationException">It has taken part.</exception>
    public void BecomeNode(int nodeId, Func<long>? drawIncarnation = null) => Note(identity => identity.IsFormed
        ? throw new InvalidOperationException($"Node {identity.NodeId} has taken part: it stays the node that it is.")
        : identity with { NodeId = nodeId, Incarnation = (drawIncarnation ?? DrawIncarnation)(), Voters = "" });

    /// <summary>Unlocks the directory. Close the stores in it first.</summary>
    public void Dispose() => _lock.Dispose();

    private void Note(Func<DirectoryIdentity, DirectoryIdentity> change)
    {
        lock (_noting)
        {
            DirectoryIdentity identity = change(Identity);
            if (identity != Identity)
            {
                WriteIdentity(_files, Path, identity);
                Identity = identity;
            }
        }
    }

    private static IDisposable TakeLock(IFileSystem files, string path)
    {
        IDisposable heldLock;
        try
        {
            heldLock = files.TakeLock(System.IO.Path.Combine(path, LockFile));
        }
        catch (FileInUseException exception)
        {
            throw new DataDirectoryInUseException(
                $"Data directory {path} is in use by {ReadOwner(files, path)}: two nodes cannot share one.", exception);
        }

        string owner = string.Create(
            CultureInfo.InvariantCulture, $"process {Environment.ProcessId} on {Environment.MachineName}");
        files.WriteAllBytes(System.IO.Path.Combine(path, OwnerFile), Encoding.UTF8.GetBytes(owner));
        return heldLock;
    }

    private static string ReadOwner(IFileSystem files, string path)
    {
        try
        {
            string owner = Encoding.UTF8.GetString(files.ReadAllBytes(System.IO.Path.Combine(path, OwnerFile)));
            return owner.Length == 0 ? "another process" : owner;
        }
        catch (IOException)
        {
            // The holder has just locked it and has not written its name yet.
            return "another process";
        }
    }

    private static DirectoryIdentity? ReadIdentity(IFileSystem files, string path)
    {
        string file = System.IO.Path.Combine(path, IdentityFile);
        if (files.FileExists(file))
        {
            return DirectoryIdentity.Read(Encoding.UTF8.GetString(files.ReadAllBytes(file)), file);
        }

        foreach (string store in (string[])["log", "data"])
        {
            if (files.DirectoryExists(System.IO.Path.Combine(path, store)))
            {
                throw new DataDirectoryCorruptException(
                    $"Data directory {path} holds {store} but no {IdentityFile} file, so its owner is unknown.");
            }
        }

        return null;
    }

    private static void CheckIdentity(DirectoryIdentity identity, string path, string clusterId, int nodeId)
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
    }

    /// <summary>
    /// Makes existing names durable: an earlier process may have been killed between creating or renaming a file and
    /// flushing the directory, and from now on this replica relies on what it left.
    /// </summary>
    private static void MakeNamesDurable(IFileSystem files, string path, DirectoryIdentity identity)
    {
        files.FlushDirectory(path);
        if (identity.HasStores && identity.IsFormed)
        {
            return;
        }

        // Otherwise the whole directory may be gone after a power cut, with everything synced in it: also one that a
        // restore made, if it ended before it had made the new name durable.
        files.FlushParent(path);
        for (string? above = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path));
            above is not null;
            above = System.IO.Path.GetDirectoryName(above))
        {
            try
            {
                files.FlushParent(above);
            }
            catch (IOException)
            {
                // Not a directory that this replica can have created something in.
                return;
            }
        }
    }

    private static string Describe(string voters) => voters.Length == 0 ? "none (deployment.join)" : voters;

    private static long DrawIncarnation() =>
        BinaryPrimitives.ReadInt64LittleEndian(RandomNumberGenerator.GetBytes(sizeof(long)));

    private static void WriteIdentity(IFileSystem files, string path, DirectoryIdentity identity) =>
        files.ReplaceAtomically(System.IO.Path.Combine(path, IdentityFile), Encoding.UTF8.GetBytes(identity.Write()));
}

using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.KvCloud;

/// <summary>
/// The data directory of a cluster on this machine; each replica uses <c>node_0</c>, <c>node_1</c> and so on below it.
/// </summary>
internal sealed class ClusterData(string clusterName) : IDisposable
{
    /// <summary>Name of the lock file that a replica holds in its directory while it runs.</summary>
    private const string LockFile = "lock";

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private const int MaxDeleteAttempts = 50;

    private static readonly TimeSpan DeletePause = TimeSpan.FromMilliseconds(100);

    private bool _isTemporary = true;
    private bool _isOpen;

    /// <summary>Absolute path.</summary>
    public string Root { get; private set; } =
        Path.Combine(Path.GetTempPath(), $"kvcloud-{clusterName}-{Path.GetRandomFileName()}");

    /// <summary>Keeps the data in this directory after the application ends.</summary>
    public void Keep(string root)
    {
        Root = root;
        _isTemporary = false;
    }

    /// <summary>Creates the directory and checks that no other cluster uses it.</summary>
    /// <exception cref="DistributedApplicationException">The directory is unusable; the message says why.</exception>
    public void Open(int replicas)
    {
        try
        {
            if (_isTemporary && !OperatingSystem.IsWindows())
            {
                Directory.CreateDirectory(Root, OwnerOnly);
            }
            else
            {
                Directory.CreateDirectory(Root);
            }

            _isOpen = true;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new DistributedApplicationException(
                $"KvCloud '{clusterName}': the data directory {Root} cannot be used: {failure.Message}", failure);
        }

        for (int index = 0; index < replicas; index++)
        {
            DemandUnlocked(Path.Combine(Root, $"node_{index}", LockFile));
        }
    }

    /// <summary>Removes a temporary data directory. Replicas that are stopping may still have files open.</summary>
    public void Dispose()
    {
        for (int attempt = 1; _isTemporary && _isOpen; attempt++)
        {
            try
            {
                Directory.Delete(Root, recursive: true);
                _isOpen = false;
            }
            catch (DirectoryNotFoundException)
            {
                _isOpen = false;
            }
            catch (IOException) when (attempt < MaxDeleteAttempts)
            {
                Thread.Sleep(DeletePause);
            }
        }
    }

    private void DemandUnlocked(string path)
    {
        try
        {
            if (File.Exists(path))
            {
                new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None).Dispose();
            }
        }
        catch (IOException failure)
        {
            throw new DistributedApplicationException(
                $"KvCloud '{clusterName}': the data directory {Path.GetDirectoryName(path)} is in use by another"
                + " replica; stop it or choose another directory.",
                failure);
        }
    }
}

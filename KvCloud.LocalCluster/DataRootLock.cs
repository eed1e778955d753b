namespace KvCloud.LocalCluster;

/// <summary>
/// Held while a cluster runs on a data root: a second one there would fight the first over its ports and directories.
/// The system lets go of it however the holder ends.
/// </summary>
internal sealed class DataRootLock : IDisposable
{
    public const string FileName = ".apphost.lock";

    /// <summary>Says who, for the message; beside the lock, since a locked file cannot be read.</summary>
    public const string HolderFileName = ".apphost.pid";

    private readonly FileStream _file;

    private DataRootLock(FileStream file) => _file = file;

    /// <exception cref="TopologyException">The directory cannot be used, or another cluster runs on it.</exception>
    public static DataRootLock Acquire(string dataRoot)
    {
        string path = Path.Combine(dataRoot, FileName);
        string holder = Path.Combine(dataRoot, HolderFileName);
        try
        {
            Directory.CreateDirectory(dataRoot);
            var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            File.WriteAllText(holder, NodeEnvironment.Text(System.Environment.ProcessId));
            return new DataRootLock(file);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new TopologyException($"The data root {dataRoot} cannot be written to: {e.Message}");
        }
        catch (IOException) when (File.Exists(holder))
        {
            throw new TopologyException(
                $"Another AppHost (process {File.ReadAllText(holder)}) already runs on the data root "
                + $"{dataRoot}; stop it, or choose another with --data.");
        }
        catch (IOException e)
        {
            throw new TopologyException($"The data root {dataRoot} cannot be used: {e.Message}");
        }
    }

    public void Dispose() => _file.Dispose();
}

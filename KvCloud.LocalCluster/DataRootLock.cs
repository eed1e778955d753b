using System.Globalization;

namespace KvCloud.LocalCluster;

/// <summary>
/// Held while a cluster runs on a data root, so that a second cluster cannot use the same directories. The operating
/// system releases it however the holder ends.
/// </summary>
internal sealed class DataRootLock : IDisposable
{
    private const string FileName = ".cluster.lock";

    /// <summary>
    /// Contains the holder's process id for the error message. A separate file, because a locked file cannot be read.
    /// </summary>
    private const string HolderFileName = ".cluster.pid";

    private readonly FileStream _file;
    private readonly string _holder;

    private DataRootLock(FileStream file, string holder)
    {
        _file = file;
        _holder = holder;
    }

    /// <exception cref="LocalClusterException">The directory cannot be used, or another cluster runs on it.</exception>
    public static DataRootLock Acquire(string dataRoot)
    {
        string path = Path.Combine(dataRoot, FileName);
        string holder = Path.Combine(dataRoot, HolderFileName);
        try
        {
            Directory.CreateDirectory(dataRoot);
            var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            File.WriteAllText(holder, Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
            return new DataRootLock(file, holder);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new LocalClusterException($"The data root {dataRoot} cannot be written to: {e.Message}");
        }
        catch (IOException) when (File.Exists(holder))
        {
            throw new LocalClusterException(
                $"Another cluster (process {File.ReadAllText(holder)}) already runs on the data root {dataRoot}; "
                + "stop it or choose another data root.");
        }
        catch (IOException e)
        {
            throw new LocalClusterException($"The data root {dataRoot} cannot be used: {e.Message}");
        }
    }

    public void Dispose()
    {
        File.Delete(_holder);
        _file.Dispose();
    }
}

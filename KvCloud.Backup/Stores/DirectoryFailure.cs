namespace KvCloud.Backup.Stores;

/// <summary>Translates failures of the file system into those of an archive.</summary>
internal static class DirectoryFailure
{
    /// <summary>Runs an access to files. Its failure names the path, and whether a retry may succeed.</summary>
    public static async Task RunAsync(string path, Func<Task> access)
    {
        try
        {
            await access();
        }
        catch (IOException exception)
        {
            // The disk may be full or a volume unmounted: a retry may succeed, and writes the whole object again.
            throw new ArchiveUnavailableException($"{path}: {exception.Message}", exception);
        }
        catch (UnauthorizedAccessException exception)
        {
            throw new ArchiveException($"{path}: {exception.Message}", exception);
        }
    }

    public static async Task<T> RunAsync<T>(string path, Func<Task<T>> access)
    {
        T result = default!;
        await RunAsync(path, async () => { result = await access(); });
        return result;
    }
}

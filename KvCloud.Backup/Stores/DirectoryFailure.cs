namespace KvCloud.Backup.Stores;

/// <summary>Failures of a file system in the words of an archive.</summary>
internal static class DirectoryFailure
{
    /// <summary>Runs what touches files; its failure says of which, and whether it may succeed later.</summary>
    public static async Task RunAsync(string path, Func<Task> access)
    {
        try
        {
            await access();
        }
        catch (IOException exception)
        {
            // The disk is full, a mount is away: the next attempt writes everything anew.
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

namespace KvCloud.Node.Files;

/// <summary>Operations composed of file system calls, the same for every implementation.</summary>
internal static class FileSystemExtensions
{
    private const int InputOutputError = 5;

    private const string TemporaryExtension = ".tmp";

    /// <summary>
    /// Replaces a small file so that a crash leaves either the old or the new one, whole: temporary file, sync, rename,
    /// flush of the directory.
    /// </summary>
    /// <exception cref="IOException">The content is not durable; the path may hold the old or the new file.</exception>
    public static void ReplaceAtomically(this IFileSystem files, string path, ReadOnlySpan<byte> content)
    {
        string temporary = path + TemporaryExtension;
        using (IFile file = files.Open(temporary, FileMode.Create, FileAccess.Write))
        {
            file.Write(content, 0);
            file.SyncData();
        }

        files.Move(temporary, path, replaces: true);
        files.FlushParent(path);
    }

    /// <summary>Creates or overwrites the file with content that need not survive a crash.</summary>
    public static void WriteAllBytes(this IFileSystem files, string path, ReadOnlySpan<byte> content)
    {
        using IFile file = files.Open(path, FileMode.Create, FileAccess.Write);
        file.Write(content, 0);
    }

    public static byte[] ReadAllBytes(this IFileSystem files, string path)
    {
        using IFile file = files.Open(path, FileMode.Open, FileAccess.Read);
        byte[] content = new byte[file.Length];
        int read = file.ReadFully(content, 0);
        return read == content.Length ? content : content[..read];
    }

    /// <summary>Reads until the destination is full.</summary>
    /// <returns>Less than the destination's length only at the end of the file.</returns>
    public static int ReadFully(this IFile file, Span<byte> destination, long offset)
    {
        int total = 0;
        while (total < destination.Length)
        {
            int read = file.Read(destination[total..], offset + total);
            if (read == 0)
            {
                break;
            }

            total += read;
        }

        return total;
    }

    /// <summary>Creates a directory and its missing parents; durable when it returns.</summary>
    public static void CreateDirectories(this IFileSystem files, string path)
    {
        string full = Path.GetFullPath(path);
        if (files.DirectoryExists(full))
        {
            return;
        }

        if (Path.GetDirectoryName(full) is string parent)
        {
            files.CreateDirectories(parent);
        }

        files.CreateDirectory(full);
        files.FlushParent(full);
    }

    /// <summary>Flushes the directory that holds the path, which makes changes to its name durable.</summary>
    public static void FlushParent(this IFileSystem files, string path)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is string parent)
        {
            files.FlushDirectory(parent);
        }
    }

    /// <summary>
    /// Whether the disk could not read or write a place (EIO), unlike a refusal for want of handles or rights.
    /// </summary>
    public static bool IsMediumError(this IOException exception) => exception.HResult == InputOutputError;
}

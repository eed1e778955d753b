using System.Text;

namespace KvCloud.Cli.Transfer;

/// <summary>
/// Reads entries from a directory tree: the path below the directory, with slashes, is the key, the content the value.
/// Links to files count as files. A link to a directory is not followed, because it may form a cycle, and is reported.
/// </summary>
internal static class TreeSource
{
    public static IEnumerable<TransferItem> Read(string root, byte[] prefix)
    {
        if (!Directory.Exists(root))
        {
            throw new UsageException($"'{root}' is not a directory");
        }

        return ReadDirectory(new DirectoryInfo(root), "", prefix);
    }

    private static IEnumerable<TransferItem> ReadDirectory(DirectoryInfo directory, string path, byte[] prefix)
    {
        FileSystemInfo[] entries;
        string? problem = null;
        try
        {
            entries = directory.GetFileSystemInfos();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            entries = [];
            problem = exception.Message;
        }

        if (problem is not null)
        {
            yield return TransferItem.Bad(path.Length == 0 ? directory.FullName : path, problem);
        }

        Array.Sort(entries, static (left, right) => string.CompareOrdinal(left.Name, right.Name));
        foreach (FileSystemInfo entry in entries)
        {
            string below = path + entry.Name;
            if (entry is FileInfo file)
            {
                yield return Describe(file, below, prefix);
            }
            else if (entry.LinkTarget is not null)
            {
                yield return TransferItem.Bad(below, "it is a link to a directory, which is not followed");
            }
            else
            {
                foreach (TransferItem item in ReadDirectory((DirectoryInfo)entry, below + "/", prefix))
                {
                    yield return item;
                }
            }
        }
    }

    private static TransferItem Describe(FileInfo file, string path, byte[] prefix)
    {
        try
        {
            FileInfo target = file.LinkTarget is null
                ? file
                : file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? file;
            return target.Exists
                ? new TransferItem(
                    path, [.. prefix, .. Encoding.UTF8.GetBytes(path)], null, file.FullName, target.Length)
                : TransferItem.Bad(path, "it is a dangling link");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return TransferItem.Bad(path, exception.Message);
        }
    }
}

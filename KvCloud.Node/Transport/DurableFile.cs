using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace KvCloud.Node.Transport;

/// <summary>
/// Replaces a small file so that a crash leaves either the old or the new one, whole: temporary file, fsync, rename,
/// fsync of the directory. .NET's own flush swallows some errors of fsync and cannot flush a directory, hence the
/// direct calls.
/// </summary>
internal static partial class DurableFile
{
    private const int OpenReadOnly = 0;
    private const int ErrorInterrupted = 4;

    /// <summary>
    /// Throws <see cref="IOException"/> when the content is not durable; the old file may then still be there.
    /// </summary>
    public static void Replace(string path, ReadOnlySpan<byte> content)
    {
        string directory = Path.GetDirectoryName(Path.GetFullPath(path))!;
        string temporary = path + ".tmp";
        using (SafeFileHandle file = File.OpenHandle(temporary, FileMode.Create, FileAccess.Write, FileShare.None))
        {
            RandomAccess.Write(file, content, 0);
            Flush(file, temporary);
        }

        File.Move(temporary, path, overwrite: true);
        FlushDirectory(directory);
    }

    /// <summary>Makes what was made, renamed or removed in the directory durable. NTFS needs no such call.</summary>
    public static void FlushDirectory(string directory)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        int descriptor = Open(directory, OpenReadOnly);
        if (descriptor < 0)
        {
            throw Failure("open", directory);
        }

        try
        {
            Sync(FileSync, "fsync", descriptor, directory);
        }
        finally
        {
            // Nothing was written through this descriptor, so closing it cannot lose anything.
            _ = Close(descriptor);
        }
    }

    /// <summary>Makes what was written into the file durable, and of its inode what is needed to read it.</summary>
    public static void SyncData(SafeFileHandle file, string path)
    {
        if (OperatingSystem.IsLinux())
        {
            Sync(FileDataSync, "fdatasync", (int)file.DangerousGetHandle(), path);
        }
        else
        {
            RandomAccess.FlushToDisk(file);
        }
    }

    private static void Flush(SafeFileHandle file, string path)
    {
        if (OperatingSystem.IsWindows())
        {
            RandomAccess.FlushToDisk(file);
            return;
        }

        Sync(FileSync, "fsync", (int)file.DangerousGetHandle(), path);
    }

    private static void Sync(Func<int, int> sync, string call, int descriptor, string path)
    {
        while (sync(descriptor) != 0)
        {
            // An interrupted call has reported no write error; any other failure is final and is never tried again.
            if (Marshal.GetLastPInvokeError() != ErrorInterrupted)
            {
                throw Failure(call, path);
            }
        }
    }

    private static IOException Failure(string call, string path) =>
        new($"{call} of {path} failed: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FileSync(int descriptor);

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int FileDataSync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}

using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace KvCloud.Backup.Stores;

/// <summary>
/// Makes files and names durable. .NET's own flush swallows some errors of fsync and cannot flush a directory, so this
/// calls libc directly.
/// </summary>
/// <remarks>
/// KvCloud.Node/Files/SystemFiles.cs has the same calls behind the replica's file system, which the simulator replaces.
/// They are here again because this project references no other one: the node must not carry the SDK of S3, nor the
/// command line the node.
/// </remarks>
internal static partial class DurableFiles
{
    private const int OpenReadOnly = 0;
    private const int ErrorInterrupted = 4;

    /// <exception cref="IOException">What was written may be lost: the file must not be used.</exception>
    public static void FlushFile(SafeFileHandle handle, string path)
    {
        if (OperatingSystem.IsLinux())
        {
            Sync((int)handle.DangerousGetHandle(), path);
        }
        else
        {
            RandomAccess.FlushToDisk(handle);
        }
    }

    /// <summary>Makes the names in a directory durable. NTFS needs no equivalent.</summary>
    /// <exception cref="IOException">A name may be lost.</exception>
    public static void FlushDirectory(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        int descriptor = Open(path, OpenReadOnly);
        if (descriptor < 0)
        {
            throw Failure("open", path);
        }

        try
        {
            Sync(descriptor, path);
        }
        finally
        {
            // Nothing was written through this descriptor, so closing it cannot lose anything.
            _ = Close(descriptor);
        }
    }

    /// <summary>Makes a directory and those above it, each durable in the one above.</summary>
    public static void CreateDirectory(string path)
    {
        string full = Path.GetFullPath(path);
        if (Directory.Exists(full))
        {
            return;
        }

        string? parent = Path.GetDirectoryName(full);
        if (parent is not null)
        {
            CreateDirectory(parent);
        }

        Directory.CreateDirectory(full);
        if (parent is not null)
        {
            FlushDirectory(parent);
        }
    }

    private static void Sync(int descriptor, string path)
    {
        while (FileSync(descriptor) != 0)
        {
            // An interrupted call has reported no write error; any other failure is final and must never be retried.
            if (Marshal.GetLastPInvokeError() != ErrorInterrupted)
            {
                throw Failure("fsync", path);
            }
        }
    }

    private static IOException Failure(string call, string path) =>
        new($"{call} of {path} failed: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FileSync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}

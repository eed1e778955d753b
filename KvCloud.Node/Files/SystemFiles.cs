using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace KvCloud.Node.Files;

/// <summary>
/// The machine's file system. .NET's own flush swallows some errors of fsync and cannot flush a directory, so this
/// calls libc directly.
/// </summary>
internal sealed partial class SystemFiles : IFileSystem
{
    public static readonly SystemFiles Instance = new();

    private const int OpenReadOnly = 0;
    private const int ErrorInterrupted = 4;
    private const int AdviseNotNeeded = 4;

    private SystemFiles()
    {
    }

    public IFile Open(string path, FileMode mode, FileAccess access) =>
        new SystemFile(path, File.OpenHandle(path, mode, access, FileShare.ReadWrite | FileShare.Delete));

    public IDisposable TakeLock(string path)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException exception) when (IsSharingViolation(exception))
        {
            throw new FileInUseException(exception.Message, exception);
        }
    }

    public bool FileExists(string path) => File.Exists(path);

    public bool DirectoryExists(string path) => Directory.Exists(path);

    public bool IsMountPoint(string path)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        return DriveInfo.GetDrives().Any(drive => Path.TrimEndingDirectorySeparator(drive.Name) == full);
    }

    public IReadOnlyList<string> ListFiles(string directory) => Directory.GetFiles(directory);

    public IReadOnlyList<string> ListDirectories(string directory) => Directory.GetDirectories(directory);

    public long GetFreeBytes(string directory) => new DriveInfo(Path.GetFullPath(directory)).AvailableFreeSpace;

    public void CreateDirectory(string path) => Directory.CreateDirectory(path);

    public void Move(string from, string to, bool replaces) => File.Move(from, to, replaces);

    public void Delete(string path) => File.Delete(path);

    public void MoveDirectory(string from, string to) => Directory.Move(from, to);

    public void DeleteDirectory(string path)
    {
        try
        {
            Directory.Delete(path, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // It is gone already.
        }
    }

    public long AvailableBytes(string directory) => new DriveInfo(Path.GetFullPath(directory)).AvailableFreeSpace;

    /// <summary>NTFS needs no equivalent.</summary>
    public void FlushDirectory(string path)
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
            Sync(FileSync, "fsync", descriptor, path);
        }
        finally
        {
            // Nothing was written through this descriptor, so closing it cannot lose anything.
            _ = Close(descriptor);
        }
    }

    /// <summary>EWOULDBLOCK on Linux and macOS, and ERROR_SHARING_VIOLATION.</summary>
    private static bool IsSharingViolation(IOException exception) =>
        exception.HResult is 11 or 35 or unchecked((int)0x8007_0020);

    private static void Sync(Func<int, int> sync, string call, int descriptor, string path)
    {
        while (sync(descriptor) != 0)
        {
            // An interrupted call has reported no write error; any other failure is final and must never be retried.
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

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    private static partial int AdviseFile(int descriptor, long offset, long length, int advice);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);

    /// <param name="path">As it was opened, for error messages.</param>
    private sealed class SystemFile(string path, SafeFileHandle handle) : IFile
    {
        public long Length => RandomAccess.GetLength(handle);

        public int Read(Span<byte> destination, long offset) => RandomAccess.Read(handle, destination, offset);

        public void Write(ReadOnlySpan<byte> source, long offset) => RandomAccess.Write(handle, source, offset);

        public void SetLength(long length) => RandomAccess.SetLength(handle, length);

        public void SyncData()
        {
            if (OperatingSystem.IsLinux())
            {
                Sync(FileDataSync, "fdatasync", (int)handle.DangerousGetHandle(), path);
            }
            else
            {
                RandomAccess.FlushToDisk(handle);
            }
        }

        /// <summary>No more than advice, so that a refusal is no error.</summary>
        public void DropCached()
        {
            if (OperatingSystem.IsLinux())
            {
                _ = AdviseFile((int)handle.DangerousGetHandle(), 0, 0, AdviseNotNeeded);
            }
        }

        public void Dispose() => handle.Dispose();
    }
}

namespace KvCloud.Node.Files;

/// <summary>
/// The file system as a replica's own files need it, RocksDB's aside: the machine's, or a simulated one whose crashes
/// and faults a test decides. Every call is synchronous. Any thread.
/// </summary>
/// <remarks>
/// What a name stands for is durable once its directory is flushed, the content of a file once its data is synced;
/// before that a power cut leaves any part of it. All calls throw <see cref="IOException"/> or
/// <see cref="UnauthorizedAccessException"/> when the disk or the system refuses them.
/// </remarks>
internal interface IFileSystem
{
    /// <summary>Opens a file, or makes it, as the mode says. Others may open, rename and delete it meanwhile.</summary>
    IFile Open(string path, FileMode mode, FileAccess access);

    /// <summary>Holds a lock file, which is made if it is missing, until Dispose or the end of the process.</summary>
    /// <exception cref="FileInUseException">Somebody else holds it.</exception>
    IDisposable TakeLock(string path);

    bool FileExists(string path);

    bool DirectoryExists(string path);

    /// <summary>The paths of the files in a directory, in no order.</summary>
    IReadOnlyList<string> ListFiles(string directory);

    /// <summary>Makes one directory, in one that is there; no error if it is there already.</summary>
    void CreateDirectory(string path);

    /// <summary>Gives a file another name.</summary>
    /// <param name="replaces">A file that has that name goes, in the same moment; else it is an error.</param>
    void Move(string from, string to, bool replaces);

    /// <summary>Removes a file; no error if there is none.</summary>
    void Delete(string path);

    /// <summary>Gives a directory another name in the same directory, where nothing may have that name.</summary>
    void MoveDirectory(string from, string to);

    /// <summary>
    /// Removes a directory with the files in it; no error if there is none. A crash may leave any part of it.
    /// </summary>
    void DeleteDirectory(string path);

    /// <summary>How many bytes can still be written on the disk that holds the directory.</summary>
    long AvailableBytes(string directory);

    /// <summary>Makes what was made, renamed or removed in the directory durable.</summary>
    void FlushDirectory(string path);
}

/// <summary>
/// An open file. Its name may change meanwhile. Reads and writes at different places may run side by side.
/// </summary>
internal interface IFile : IDisposable
{
    long Length { get; }

    /// <summary>What could be read: less than was asked for, or nothing, at the end of the file.</summary>
    int Read(Span<byte> destination, long offset);

    /// <summary>Writes all of it, growing the file if it goes beyond its end.</summary>
    void Write(ReadOnlySpan<byte> source, long offset);

    void SetLength(long length);

    /// <summary>
    /// Makes what was written durable, and of the file's length what is needed to read it. After a failure no further
    /// call can make it good: the system may take what it could not write for written.
    /// </summary>
    void SyncData();
}

/// <summary>Somebody else holds the lock.</summary>
internal sealed class FileInUseException(string message, Exception? inner = null) : IOException(message, inner);

namespace KvCloud.Node.Files;

/// <summary>
/// The file system as used for a replica's own files (not RocksDB's): the machine's, or a simulated one whose crashes
/// and faults a test controls. Every call is synchronous. Any thread.
/// </summary>
/// <remarks>
/// A name is durable once its directory is flushed, a file's content once its data is synced; before that a power cut
/// may keep any part of it. All calls throw <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/> if
/// the disk or the system refuses them.
/// </remarks>
internal interface IFileSystem
{
    /// <summary>Opens or creates a file, as the mode says. Others may open, rename and delete it meanwhile.</summary>
    IFile Open(string path, FileMode mode, FileAccess access);

    /// <summary>Holds a lock file, created if missing, until Dispose or the end of the process.</summary>
    /// <exception cref="FileInUseException">Another process or thread holds it.</exception>
    IDisposable TakeLock(string path);

    bool FileExists(string path);

    bool DirectoryExists(string path);

    /// <summary>Whether a volume is mounted at this very path: nothing can be renamed to it.</summary>
    bool IsMountPoint(string path);

    /// <summary>The paths of the files in a directory, in no order.</summary>
    IReadOnlyList<string> ListFiles(string directory);

    /// <summary>The paths of the directories in a directory, in no order.</summary>
    IReadOnlyList<string> ListDirectories(string directory);

    /// <summary>Bytes that may still be written to the volume of this directory.</summary>
    long GetFreeBytes(string directory);

    /// <summary>Creates one directory in an existing parent; no error if it already exists.</summary>
    void CreateDirectory(string path);

    /// <summary>Renames a file.</summary>
    /// <param name="replaces">Whether to atomically replace a file of that name; otherwise an existing one is an
    /// error.</param>
    void Move(string from, string to, bool replaces);

    /// <summary>Deletes a file; no error if there is none.</summary>
    void Delete(string path);

    /// <summary>Gives a directory another name in the same directory, where nothing may have that name.</summary>
    void MoveDirectory(string from, string to);

    /// <summary>
    /// Removes a directory with all that is in it; no error if there is none. A crash may leave any part of it.
    /// </summary>
    void DeleteDirectory(string path);

    /// <summary>How many bytes can still be written on the disk that holds the directory.</summary>
    long AvailableBytes(string directory);

    /// <summary>Makes creations, renames and deletions in the directory durable.</summary>
    void FlushDirectory(string path);
}

/// <summary>
/// An open file. It may be renamed meanwhile. Reads and writes at different offsets may run in parallel.
/// </summary>
internal interface IFile : IDisposable
{
    long Length { get; }

    /// <summary>Returns the number of bytes read: fewer than asked for, or none, at the end of the file.</summary>
    int Read(Span<byte> destination, long offset);

    /// <summary>Writes everything, extending the file if necessary.</summary>
    void Write(ReadOnlySpan<byte> source, long offset);

    void SetLength(long length);

    /// <summary>
    /// Makes written data durable, and as much of the file's length as is needed to read it. After a failure no later
    /// call can repair that: the system may consider the failed pages written.
    /// </summary>
    void SyncData();

    /// <summary>
    /// Has the system forget what it keeps of this file in memory and has written, as far as it can: what is read next
    /// comes from the disk.
    /// </summary>
    void DropCached();
}

/// <summary>The lock is held by another process or thread.</summary>
internal sealed class FileInUseException(string message, Exception? inner = null) : IOException(message, inner);

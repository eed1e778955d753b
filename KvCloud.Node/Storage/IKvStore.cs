using KvCloud.Node.Files;
using KvCloud.Node.Operations;

namespace KvCloud.Node.Storage;

/// <summary>
/// An ordered store with atomic batches: a few plain tables, and one versions table, in which a write hides a key's
/// older versions only from newer readers. One thread writes; any thread reads at any time, without locks. Batches
/// survive a crash only once <see cref="Flush"/> has returned: the store has no write-ahead log of its own, since the
/// consensus log serves as one. After a crash the store holds exactly the batches up to some point, never part of one.
/// </summary>
internal interface IKvStore : IDisposable
{
    /// <summary>One point lookup. If it returns false, the buffer is unchanged.</summary>
    bool TryGet(KvTable table, ReadOnlySpan<byte> key, ref ValueBuffer value);

    /// <summary>A cursor over a consistent view of the table, not positioned yet.</summary>
    IKvIterator Iterate(KvTable table);

    /// <summary>
    /// The newest version of the key, as one point lookup. If it returns false, the buffer is unchanged.
    /// </summary>
    bool TryGetNewest(ReadOnlySpan<byte> key, ref ValueBuffer value);

    /// <summary>The newest version of the key that is not newer than <paramref name="at"/>.</summary>
    /// <exception cref="VersionTooOldException">It is older than what <see cref="RaiseOldestReadable"/>
    /// kept.</exception>
    bool TryGetAt(ReadOnlySpan<byte> key, CommitVersion at, ref ValueBuffer value);

    /// <summary>A cursor over the newest version of every key.</summary>
    IKvIterator IterateNewest();

    /// <summary>
    /// A cursor over the keys as of this version. Its view stays complete whatever is dropped meanwhile.
    /// </summary>
    /// <exception cref="VersionTooOldException">It is older than what <see cref="RaiseOldestReadable"/>
    /// kept.</exception>
    IKvIterator IterateAt(CommitVersion at);

    IKvBatch CreateBatch();

    /// <summary>
    /// Applies the whole batch or throws <see cref="StoreFailedException"/>; the batch itself is unchanged.
    /// </summary>
    void Write(IKvBatch batch);

    /// <summary>Makes durable what was written before the call. May run in parallel with writes and reads.</summary>
    void Flush();

    /// <summary>
    /// Whether every table has in files what was written to it: what a checkpoint is made of. While somebody writes
    /// it may be so and not be so in the next moment.
    /// </summary>
    bool IsFlushed { get; }

    /// <summary>
    /// Makes a copy that can be opened as a store, in a directory that must not exist yet. It holds exactly the batches
    /// up to some moment, all that were written before the call among them. May run beside writes and reads. The copy
    /// is not durable.
    /// </summary>
    /// <param name="files">Where <paramref name="directory"/> is, for who has no file system of its own.</param>
    void CreateCheckpoint(IFileSystem files, string directory);

    /// <summary>
    /// From now on nobody reads at a version before this one; this is permanent, whatever a crash undoes. The store may
    /// drop what only such reads would see whenever that is cheap. May run in parallel with writes and reads, but not
    /// with itself.
    /// </summary>
    void RaiseOldestReadable(CommitVersion oldest);

    /// <summary>Visits every file: for once in a while.</summary>
    VersionFigures CountVersions();

    /// <summary>
    /// Rewrites about so many bytes of the versions without what <see cref="RaiseOldestReadable"/> has given up, from
    /// where the call before ended. May run beside writes and reads, but not beside itself.
    /// </summary>
    /// <returns>False when that was the last piece: the next call begins anew.</returns>
    bool CompactPiece(long bytes);

    StoreFigures GetFigures();

    /// <summary>
    /// Throws if the store has met an error while nobody waited for it, as in a compaction. For once in a while.
    /// </summary>
    /// <exception cref="StoreCorruptException">It has met damage, and takes no write any more.</exception>
    void CheckBackground();

    /// <summary>Begins to read all that is on disk, to find damage before anybody else meets it.</summary>
    /// <param name="files">Where the store's files are.</param>
    IStoreScrub BeginScrub(IFileSystem files);

    /// <summary>The files that the store consists of and that never change; empty where it has none.</summary>
    IReadOnlyList<StoreFile> ListFiles();
}

/// <summary>How much the table of versions holds.</summary>
/// <param name="Records">Values and deletes, of which some may be hidden.</param>
/// <param name="SizeBytes">On disk, plus what waits in memory to be written there.</param>
internal readonly record struct VersionFigures(long Records, long SizeBytes);

/// <summary>Changes that take effect atomically, in the order in which they were added. Copies its arguments.</summary>
internal interface IKvBatch : IDisposable
{
    int Count { get; }

    void Put(KvTable table, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value);

    void Delete(KvTable table, ReadOnlySpan<byte> key);

    /// <summary>Deletes a key that was put exactly once since it last did not exist; cheaper than Delete.</summary>
    void DeleteSingle(KvTable table, ReadOnlySpan<byte> key);

    /// <summary>
    /// Sets the key's value from this version on. No version of the key may be newer; of several writes at one version
    /// the last holds.
    /// </summary>
    void PutVersion(ReadOnlySpan<byte> key, CommitVersion version, ReadOnlySpan<byte> value);

    /// <summary>Deletes the key from this version on. No version of the key may be newer.</summary>
    void DeleteVersion(ReadOnlySpan<byte> key, CommitVersion version);

    void Clear();
}

/// <summary>A cursor. Key and value are valid until it moves. Not thread-safe.</summary>
internal interface IKvIterator : IDisposable
{
    bool IsValid { get; }

    ReadOnlySpan<byte> Key { get; }

    ReadOnlySpan<byte> Value { get; }

    /// <summary>Moves to the first key at or after <paramref name="key"/>.</summary>
    bool Seek(ReadOnlySpan<byte> key);

    /// <summary>Moves to the last key strictly before <paramref name="key"/>.</summary>
    bool SeekBefore(ReadOnlySpan<byte> key);

    bool MoveNext();

    bool MovePrevious();
}

/// <summary>The store failed a write or a read: its content is now unknown, and the node must stop.</summary>
internal sealed class StoreFailedException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>A read at a version whose data the store no longer has in full. Nothing is wrong with the store.</summary>
internal sealed class VersionTooOldException(string message) : Exception(message);

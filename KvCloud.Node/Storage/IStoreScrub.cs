namespace KvCloud.Node.Storage;

/// <summary>
/// One walk over all that a store has on disk, which reads it again and holds it to its checksums. One thread.
/// </summary>
internal interface IStoreScrub : IDisposable
{
    /// <summary>What there was when the walk began.</summary>
    long SizeBytes { get; }

    /// <summary>
    /// Files of which no checksum is known: they cannot be checked before a compaction rewrites them.
    /// </summary>
    int UncheckedFiles { get; }

    /// <summary>Reads at most so many bytes more, of one file.</summary>
    /// <returns>How many were read; 0 at the end.</returns>
    /// <exception cref="StoreCorruptException">The file is not what was written, or is gone.</exception>
    int Advance(int maxBytes);
}

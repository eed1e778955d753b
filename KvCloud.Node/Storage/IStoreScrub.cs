namespace KvCloud.Node.Storage;

/// <summary>
/// One round of scrubbing a store: reads every file again and verifies its checksum. One thread.
/// </summary>
internal interface IStoreScrub : IDisposable
{
    /// <summary>Size of the files that the store had when the round began.</summary>
    long SizeBytes { get; }

    /// <summary>
    /// Files without a recorded checksum: they cannot be checked until a compaction rewrites them.
    /// </summary>
    int UncheckedFiles { get; }

    /// <summary>Reads at most so many more bytes, of one file.</summary>
    /// <returns>The number of bytes read; 0 at the end.</returns>
    /// <exception cref="StoreCorruptException">A file fails its checksum, or is missing.</exception>
    int Advance(int maxBytes);
}

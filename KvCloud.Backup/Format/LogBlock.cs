namespace KvCloud.Backup.Format;

/// <summary>Consecutive slots of the log, archived byte for byte as a replica sent them.</summary>
/// <param name="FirstUnixMs">The time at which its first batch of writes was proposed; 0 if it has none.</param>
/// <param name="LastUnixMs">The time at which its last batch of writes was proposed; 0 if it has none.</param>
/// <param name="Version">
/// All commit versions up to this one are in the block or before it; 0 if no such version is known.
/// </param>
/// <param name="VersionBound">An upper bound of the commit versions up to the end of the block.</param>
internal sealed record LogBlock(
    long FirstSlot,
    long LastSlot,
    long FirstUnixMs,
    long LastUnixMs,
    long Version,
    long VersionBound,
    ReadOnlyMemory<byte> Content);

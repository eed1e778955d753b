namespace KvCloud.Backup.Format;

/// <summary>Consecutive slots of the log as a replica gave them, to be kept as they are.</summary>
/// <param name="FirstUnixMs">When its first batch of writes was proposed; 0 if it has none.</param>
/// <param name="LastUnixMs">When its last batch of writes was proposed; 0 if it has none.</param>
/// <param name="Version">
/// The last commit version up to its end; 0 where it is not known, because the replica was ahead of it.
/// </param>
/// <param name="VersionBound">No version in it, or in any slot before it, is higher.</param>
internal sealed record LogBlock(
    long FirstSlot,
    long LastSlot,
    long FirstUnixMs,
    long LastUnixMs,
    long Version,
    long VersionBound,
    ReadOnlyMemory<byte> Content);

namespace KvCloud.Backup.Format;

/// <summary>Consecutive slots of the log as a replica gave them, to be kept as they are.</summary>
/// <param name="FirstUnixMs">When its first batch of writes was proposed; 0 if it has none.</param>
/// <param name="LastUnixMs">When its last batch of writes was proposed; 0 if it has none.</param>
/// <param name="Version">
/// All commit versions up to this one are in it or before it; 0 where none is known to be.
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

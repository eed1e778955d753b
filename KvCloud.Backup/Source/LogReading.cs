using KvCloud.Backup.Format;

namespace KvCloud.Backup.Source;

/// <summary>What a replica said of its log.</summary>
/// <param name="AppliedSlot">The last slot that it has applied; its log may have recorded less.</param>
/// <param name="AppliedVersion">The last commit version up to that slot.</param>
/// <param name="Block">Null if there is nothing yet from the slot that was asked for.</param>
internal sealed record LogReading(string ClusterId, long AppliedSlot, long AppliedVersion, LogBlock? Block);

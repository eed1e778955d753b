using KvCloud.Backup.Format;

namespace KvCloud.Backup.Source;

/// <summary>A replica's answer to a read of its log.</summary>
/// <param name="AppliedSlot">The last slot that it has applied; its log may not have recorded it as chosen yet.</param>
/// <param name="AppliedVersion">The last commit version up to that slot.</param>
/// <param name="Block">Null if the log has nothing yet from the requested slot on.</param>
internal sealed record LogReading(string ClusterId, long AppliedSlot, long AppliedVersion, LogBlock? Block);

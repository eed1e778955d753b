namespace KvCloud.Backup.Catalog;

/// <summary>A point in the cluster's history: a slot, the last commit version up to it, and its time.</summary>
internal sealed record RestorablePoint(long Slot, long Version, long UnixMs);

namespace KvCloud.Backup.Catalog;

/// <summary>A moment of the cluster: a slot, the last version up to it, and the time of that.</summary>
internal sealed record RestorablePoint(long Slot, long Version, long UnixMs);

namespace KvCloud.Backup.Leases;

/// <summary>Somebody else uses the archive in a way that forbids this use; the message names who.</summary>
internal sealed class LeaseConflictException(string message) : ArchiveException(message);

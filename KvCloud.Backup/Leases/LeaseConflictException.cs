namespace KvCloud.Backup.Leases;

/// <summary>Another process uses the archive in a conflicting way; the message names its lease and holder.</summary>
internal sealed class LeaseConflictException(string message) : ArchiveException(message);

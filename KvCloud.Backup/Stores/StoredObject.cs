namespace KvCloud.Backup.Stores;

/// <summary>An object of an archive, as listed.</summary>
/// <param name="Modified">
/// When it was written, by the clock of the store: the only clock that all users of an archive share.
/// </param>
internal sealed record StoredObject(string Name, long SizeBytes, DateTimeOffset Modified);

namespace KvCloud.Backup.Stores;

/// <summary>An object of an archive, as a listing has it.</summary>
/// <param name="Modified">
/// When it was written, by the clock of the store: the only clock that all who use an archive share.
/// </param>
internal sealed record StoredObject(string Name, long SizeBytes, DateTimeOffset Modified);

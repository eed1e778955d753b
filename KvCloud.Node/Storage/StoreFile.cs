namespace KvCloud.Node.Storage;

/// <summary>A file that a store consists of, and that never changes.</summary>
/// <param name="Name">Without its directory.</param>
/// <param name="Checksum">CRC-32C of all of it, noted when it was written; null where none was.</param>
internal readonly record struct StoreFile(string Name, long SizeBytes, uint? Checksum);

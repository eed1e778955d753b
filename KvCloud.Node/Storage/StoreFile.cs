namespace KvCloud.Node.Storage;

/// <summary>An immutable file of a store.</summary>
/// <param name="Name">The name without the directory.</param>
/// <param name="Checksum">CRC-32C of the file, recorded when it was written; null if none was recorded.</param>
internal readonly record struct StoreFile(string Name, long SizeBytes, uint? Checksum);

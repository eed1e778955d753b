namespace KvCloud.Client;

/// <summary>
/// What a versionstamped write has generated: the buffer, its last ten bytes overwritten with the commit version (eight
/// bytes) and the order within the transaction (two bytes), both big-endian.
/// </summary>
/// <param name="Generated">The key, or the value, as it was written.</param>
/// <param name="Version">The commit version.</param>
public readonly record struct KvVersionstamped(byte[] Generated, long Version);

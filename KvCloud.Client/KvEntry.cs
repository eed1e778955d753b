namespace KvCloud.Client;

/// <summary>A key with its value.</summary>
/// <param name="Key">The key's bytes. They belong to the caller.</param>
/// <param name="Value">The value's bytes. They belong to the caller.</param>
/// <param name="Version">Commit version of the write that produced the value; 0 where it is not known, as for a value
/// that a transaction has written but not yet committed.</param>
public readonly record struct KvEntry(byte[] Key, byte[] Value, long Version);

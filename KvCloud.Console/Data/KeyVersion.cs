namespace KvCloud.WebConsole.Data;

/// <summary>A value of a key from one version on, until the next newer entry of its history.</summary>
/// <param name="Value">Null where the key did not exist at that version.</param>
public sealed record KeyVersion(long Version, byte[]? Value);

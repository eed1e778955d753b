namespace KvCloud.Client.Backup;

/// <summary>Consecutive slots of the log.</summary>
/// <param name="Content">To be kept as it is: a restore reads it.</param>
/// <param name="FirstSlot">The first slot in it.</param>
/// <param name="LastSlot">The last slot in it.</param>
/// <param name="FirstUnixMs">When its first batch of writes was proposed; null if it has none.</param>
/// <param name="LastUnixMs">When its last batch of writes was proposed.</param>
internal sealed record SourceBlock(
    byte[] Content, long FirstSlot, long LastSlot, long? FirstUnixMs, long? LastUnixMs);

namespace KvCloud.Client.Backup;

/// <summary>A file of a snapshot.</summary>
/// <param name="Name">
/// Plain by the contract: letters, digits, '.', '-' and '_'. Whoever writes files by it checks it for himself.
/// </param>
/// <param name="SizeBytes">Its length.</param>
/// <param name="Hash">XxHash128 of the content, 16 bytes, big-endian.</param>
internal sealed record SourceFile(string Name, long SizeBytes, byte[] Hash);

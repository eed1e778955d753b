namespace KvCloud.Cli;

/// <summary>The command as typed makes no sense; the message says why.</summary>
internal sealed class UsageException(string message) : Exception(message);

namespace KvCloud.WebConsole.Sessions;

/// <summary>Something was to be written on a page that is read-only; nothing was.</summary>
public sealed class WritesLockedException(string message) : Exception(message);

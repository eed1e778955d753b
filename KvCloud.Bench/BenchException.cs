namespace KvCloud.Bench;

/// <summary>
/// An error the user can fix: an invalid option, an unreachable server. Printed without a stack trace.
/// </summary>
internal sealed class BenchException(string message, Exception? inner = null) : Exception(message, inner);

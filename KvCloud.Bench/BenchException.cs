namespace KvCloud.Bench;

/// <summary>
/// Something the user can put right: a wrong option, a server that is not there. Shown without a stack trace.
/// </summary>
internal sealed class BenchException(string message, Exception? inner = null) : Exception(message, inner);

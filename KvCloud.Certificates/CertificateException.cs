namespace KvCloud.Certificates;

/// <summary>A certificate or key cannot be made, read or written; the message is one sentence that names it.</summary>
internal sealed class CertificateException(string message, Exception? inner = null) : Exception(message, inner);

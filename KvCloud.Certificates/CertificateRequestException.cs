namespace KvCloud.Certificates;

/// <summary>What a certificate shall hold is not possible; the message is one sentence that names it.</summary>
internal sealed class CertificateRequestException(string message) : Exception(message);

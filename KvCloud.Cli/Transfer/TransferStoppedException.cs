namespace KvCloud.Cli.Transfer;

/// <summary>The cluster cannot go on with the transfer: sending what comes behind would only fail too.</summary>
internal sealed class TransferStoppedException(string message, int code, Exception cause) : Exception(message, cause)
{
    public int Code { get; } = code;
}
